package rules

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/plinth-build/plinth/internal/lint"
)

var sc3028 = &lint.Rule{
	Code: "SC3028", Title: "variable that sh does not set", Severity: lint.Warning, Family: lint.Shell,
	Profiles: lint.HadolintProfile | lint.Strict, Since: "0.1.0",
	Source: "https://www.shellcheck.net/wiki/SC3028",
	Why:    "The default shell of RUN is /bin/sh, which is dash on Debian and Ubuntu and busybox on Alpine; on Fedora and its relatives, Arch and openSUSE it is bash, and nothing is reported. dash does not set variables such as RANDOM, UID, HOSTNAME and SECONDS: they are empty.",
	Bad:    "FROM debian:12\nRUN chown \"$UID\" /srv",
	Good:   "FROM debian:12\nRUN chown \"$(id -u)\" /srv",
	Check: func(p *lint.Pass) {
		eachSh(p, func(t *shellTree) {
			v := t.variables()
			each(t, kindParam, func(_ int, n *syntax.ParamExp) {
				if setByBash[n.Param.Value] && !v.assigned[n.Param.Value] && !t.environment(n.Param.Value) && (n.Exp == nil || !guards(n.Exp.Op)) {
					t.report(p, t.at(n), "sh does not set %s: it is empty", n.Param.Value)
				}
			})
		})
	},
}

// setByBash are variables that bash sets and POSIX does not know.
var setByBash = map[string]bool{"RANDOM": true, "UID": true, "EUID": true, "HOSTNAME": true, "SECONDS": true, "BASH_SOURCE": true, "OSTYPE": true, "FUNCNAME": true,
	"PIPESTATUS": true, "MACHTYPE": true, "HOSTTYPE": true, "SHLVL": true, "DIRSTACK": true, "BASH_SUBSHELL": true, "BASH_COMMAND": true, "BASH_LINENO": true, "BASH_REMATCH": true, "BASH_ARGV": true, "BASH_ARGC": true, "BASH_VERSINFO": true,
	"SHELLOPTS": true, "BASHOPTS": true, "EPOCHSECONDS": true, "EPOCHREALTIME": true, "MAPFILE": true, "BASHPID": true, "GROUPS": true,
	"BASH_ALIASES": true, "BASH_CMDS": true, "BASH_EXECUTION_STRING": true, "BASH_ARGV0": true}
