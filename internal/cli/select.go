package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/git"
	"github.com/plinth-build/plinth/internal/graph"
)

// choice is which targets a user means: selectors, and flags that narrow or widen them.
type choice struct {
	selectors    []string
	withChildren bool
	withParents  bool
	flavours     []string
	since        string
}

// plainFlavour is how --flavour names targets without one.
const plainFlavour = "plain"

// choiceFlags adds the flags that choose targets to a command.
func (a *app) choiceFlags(cmd *cobra.Command) *choice {
	c := &choice{}
	fl := cmd.Flags()
	fl.BoolVar(&c.withChildren, "with-children", false, "also what stands on the selected targets, as NAME+ does")
	fl.BoolVar(&c.withParents, "with-parents", false, "also what the selected targets stand on, as +NAME does")
	fl.StringSliceVar(&c.flavours, "flavour", nil, "only these flavours, separated by commas; plain for targets without one")
	fl.StringVar(&c.since, "changed-since", "", "only targets whose files changed since this commit or branch, and what stands on them")
	return c
}

// setFlag adds --set to a command.
func (a *app) setFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&a.set, "set", nil, "change a setting for this run: TARGET.args.NAME=VALUE, also labels.NAME, target, squash, temp, tags, version; TARGET may be a glob")
}

// with is the choice for these selectors.
func (c *choice) with(selectors []string) choice {
	out := *c
	out.selectors = selectors
	return out
}

// targets are the chosen targets in build order.
func (c *choice) targets(ctx context.Context, g *graph.Graph) ([]*graph.Target, error) {
	chosen, err := selectTargets(g, c.selectors)
	if err != nil {
		return nil, err
	}
	if c.since != "" {
		if chosen, err = c.changed(ctx, g, chosen); err != nil {
			return nil, err
		}
	}
	set := map[*graph.Target]bool{}
	for _, t := range chosen {
		set[t] = true
	}
	if c.withChildren {
		mark(set, g.Descendants(chosen...))
	}
	if c.withParents {
		mark(set, g.Ancestors(chosen...))
	}
	if err := c.checkFlavours(g); err != nil {
		return nil, err
	}
	var out []*graph.Target
	for _, t := range g.Targets {
		if set[t] && c.hasFlavour(t) {
			out = append(out, t)
		}
	}
	return out, nil
}

func mark(set map[*graph.Target]bool, targets []*graph.Target) {
	for _, t := range targets {
		set[t] = true
	}
}

// changed narrows the targets to those that git says can have changed.
func (c *choice) changed(ctx context.Context, g *graph.Graph, targets []*graph.Target) ([]*graph.Target, error) {
	repo, err := git.Open(ctx, g.Catalog.Root)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "%w", err)
	}
	if repo == nil {
		return nil, diag.Errorf(diag.Position{}, "cannot find what changed since %s: the catalog is in no git repository", c.since).WithCode(diag.ExitUsage)
	}
	files, err := repo.Changed(ctx, c.since)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "%w", err).Hint("name a commit, a branch or a tag that git knows").WithCode(diag.ExitUsage)
	}
	affected := g.Affected(files)
	return slices.DeleteFunc(slices.Clone(targets), func(t *graph.Target) bool { return !slices.Contains(affected, t) }), nil
}

func (c *choice) hasFlavour(t *graph.Target) bool {
	name := t.Flavour
	if name == "" {
		name = plainFlavour
	}
	return len(c.flavours) == 0 || slices.Contains(c.flavours, name)
}

// checkFlavours refuses a flavour that no target has.
func (c *choice) checkFlavours(g *graph.Graph) error {
	known := []string{plainFlavour}
	for _, t := range g.Targets {
		if t.Flavour != "" && !slices.Contains(known, t.Flavour) {
			known = append(known, t.Flavour)
		}
	}
	for _, f := range c.flavours {
		if slices.Contains(known, f) {
			continue
		}
		e := diag.Errorf(diag.Position{}, "cannot find the flavour %s: no target has it", f).WithCode(diag.ExitUsage)
		if near := diag.Nearest(f, known); near != "" {
			return e.Hint("did you mean %s?", near)
		}
		return e.Hint("the flavours are: %s", strings.Join(known, ", "))
	}
	return nil
}
