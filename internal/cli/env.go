package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plinth-build/plinth/internal/diag"
)

// envPrefix begins the variables that stand for flags: PLINTH_JOBS=4 is --jobs 4.
const envPrefix = "PLINTH_"

// envName is the variable of a flag.
func envName(flag string) string {
	if flag == "state-dir" {
		return "PLINTH_STATE"
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// flagsFromEnv sets the flags that the command line leaves out from their
// variables. An empty variable counts as not set.
func flagsFromEnv(cmd *cobra.Command) error {
	var problems diag.List
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value := os.Getenv(envName(f.Name))
		if f.Changed || value == "" || f.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			problems.Add(diag.Errorf(diag.Position{}, "cannot use %q for %s, which stands for --%s: %w", value, envName(f.Name), f.Name, badValue(err)).
				Hint("see: %s --help", cmd.CommandPath()).WithCode(diag.ExitUsage))
		}
	})
	return problems.Err()
}
