package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/rules"
	"github.com/plinth-build/plinth/internal/lint/waiver"
	"github.com/plinth-build/plinth/internal/report/rulepage"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule of plinth lint is for",
		Long: `Say what a rule of plinth lint is for: why, what is wrong and what is right, where it
comes from, and how it is switched off. Names that other tools have for a rule work, too.
Without a RULE all rules are listed.`,
		Example: `  plinth explain DL3008
  plinth explain CKV_DOCKER_7`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1, "one rule")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			for _, r := range rules.All() {
				names = append(names, r.Code+"\t"+r.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.explain(args) },
	}
}

func (a *app) explain(args []string) error {
	all := append(rules.All(), waiver.Rules()...)
	l := &lintFiles{}
	if err := l.openCatalog(a); err != nil {
		return err
	}
	if l.graph != nil {
		own, err := customRules(l.catalog.Config.Lint.Custom)
		if err != nil {
			return err
		}
		all = append(all, own...)
	}
	if len(args) == 0 {
		for _, r := range all {
			fmt.Fprintf(a.out, "%-32s %-8s %s\n", r.Code, r.Severity, r.Title)
		}
		return nil
	}
	code, ok := knownCode(all, args[0])
	if upper, found := knownCode(all, strings.ToUpper(args[0])); !ok && found {
		code, ok = upper, true
	}
	for _, r := range all {
		if r.Code == code {
			_, err := fmt.Fprint(a.out, rulepage.Text(r, rulepage.Fixable(r), 80))
			return err
		}
	}
	if ok && lint.IsShellCheck(code) {
		_, err := fmt.Fprintf(a.out, "%s: a rule of ShellCheck's, which is asked when the program shellcheck is installed\n\n  https://www.shellcheck.net/wiki/%s\n", code, code)
		return err
	}
	return unknownRule(all, args[0], diag.Position{}).WithCode(diag.ExitUsage)
}
