package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var aptGet = &tool{
	names:  []string{"apt-get"},
	valued: aptValued,
}

var anyApt = &tool{
	names:  []string{"apt-get", "apt", "aptitude"},
	valued: aptValued,
}

var aptValued = []string{
	"-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file",
	"-a", "--host-architecture", "-P", "--build-profiles",
}

// aptDry are the flags with which apt-get only says what it would do.
var aptDry = []string{"-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--print-uris"}

// aptInstalls are the calls of apt-get in a step that install something. To hadolint all calls of install are.
func aptInstalls(s *lint.Stage, run *lint.Run) []*invocation {
	return keep(aptGet.calls(run), func(v *invocation) bool { return v.is("install") && (s.Options().Hadolint || !v.has(aptDry...)) })
}

// aptPackages are the packages that a call names.
func aptPackages(v *invocation) []shellscript.Word { return append(v.args, v.tail...) }

// aptOption gives the value that -o sets an option to, in lower case.
func aptOption(v *invocation, option string) (value string, set bool) {
	for _, w := range v.values("-o", "--option") {
		if name, text, _ := strings.Cut(w.S, "="); strings.EqualFold(name, option) {
			value, set = strings.ToLower(strings.Trim(text, `"'`)), true
		}
	}
	return value, set
}

// aptSets says whether one of these calls sets an option with -o, which wins over a flag before it.
func aptSets(calls []*invocation, option string) bool {
	return slices.ContainsFunc(calls, func(v *invocation) bool {
		_, set := aptOption(v, option)
		return set
	})
}

var (
	aptTrue  = []string{"true", "1", "yes", "on", "with", "enable"}
	aptFalse = []string{"false", "0", "no", "off", "without", "disable"}
)
