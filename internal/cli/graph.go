package cli

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/graph"
)

func (a *app) graphCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "graph [SELECTOR…]",
		Short: "Show which target stands on which",
		Long: `Show which target stands on which: as a tree, or for Graphviz (dot), for
Markdown (mermaid) and for programs (json).

` + selectorHelp,
		Example: `  plinth graph
  plinth graph --format dot | dot -Tsvg > fleet.svg
  plinth graph +tomcat          # what tomcat stands on`,
		ValidArgsFunction: a.completeTargets,
	}
	f := formatFlag(cmd, "tree", "dot", "mermaid", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		_, g, err := a.load()
		if err != nil {
			return err
		}
		targets, err := selectTargets(g, args)
		if err != nil {
			return err
		}
		var text string
		switch f.value {
		case "json":
			data, err := graph.JSON(targets)
			if err != nil {
				return err
			}
			text = string(data)
		case "dot":
			text = graph.DOT(targets)
		case "mermaid":
			text = graph.Mermaid(targets)
		default:
			text = graph.Tree(targets, asciiOnly())
		}
		_, err = io.WriteString(a.out, text)
		return err
	}
	return cmd
}

// asciiOnly: the locale says that the terminal cannot show line-drawing characters.
func asciiOnly() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return !strings.Contains(strings.ToUpper(strings.ReplaceAll(v, "-", "")), "UTF8")
		}
	}
	return false
}
