package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/report"
)

const selectorHelp = `SELECTOR is a target's name, a glob ("debian12-*"), an image's folder name, a
tier ("0100"), or one of these with + behind it for its children and their
children, or + in front of it for its parents and their parents.`

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "list [SELECTOR…]",
		Short:             "List the targets of the catalog",
		Long:              "List the targets of the catalog, parents before children.\n\n" + selectorHelp,
		ValidArgsFunction: a.completeTargets,
	}
	chosen := a.choiceFlags(cmd)
	f := formatFlag(cmd, "pretty", "json", "names")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, g, err := a.load()
		if err != nil {
			return err
		}
		chosen.selectors = args
		targets, err := chosen.targets(cmd.Context(), g)
		if err != nil {
			return err
		}
		switch f.value {
		case "json":
			return report.ListJSON(a.out, targets)
		case "names":
			for _, t := range targets {
				if _, err := a.out.Write([]byte(t.Name + "\n")); err != nil {
					return err
				}
			}
			return nil
		}
		report.List(a.out, targets)
		return nil
	}
	return cmd
}

// selectTargets is the selection in topological order; everything without selectors.
func selectTargets(g *graph.Graph, selectors []string) ([]*graph.Target, error) {
	if len(selectors) == 0 {
		return g.Targets, nil
	}
	return g.Select(selectors...)
}

// withAncestors adds what the targets stand on, in topological order.
func withAncestors(g *graph.Graph, targets []*graph.Target) []*graph.Target {
	needed := map[*graph.Target]bool{}
	for _, t := range targets {
		needed[t] = true
		for _, up := range g.Ancestors(t) {
			needed[up] = true
		}
	}
	out := make([]*graph.Target, 0, len(needed))
	for _, t := range g.Targets {
		if needed[t] {
			out = append(out, t)
		}
	}
	return out
}

func names(targets []*graph.Target) string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = t.Name
	}
	return strings.Join(out, ", ")
}
