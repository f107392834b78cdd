package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/doctor"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/registry"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/report/live"
)

func (a *app) doctorCommand() *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a build needs of this machine",
		Long: `Check what a build needs of this machine: programs, kernel, disk, network and
clock, and say how to mend what is wrong. In a catalog, what that one needs
decides how bad something is; outside of one, the machine alone is looked at.

It exits with 0 when nothing failed, and with 1 when something failed that a
build needs. Warnings do not count.`,
		Example: `  plinth doctor
  plinth doctor --offline           # ask no registry and no archive
  plinth doctor --format json`,
		Args: noArgs,
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "ask nobody: skip registries and package archives")
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		env := doctor.Env{Getenv: os.Getenv, UID: os.Geteuid(), Now: a.now, Offline: offline, Resolve: resolvable}
		if err := a.doctorSubject(&env); err != nil {
			return err
		}
		results := doctor.Run(cmd.Context(), env)
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		if f.value == "json" {
			return errors.Join(doctorJSON(a.out, results), unfit(results))
		}
		_, terminal := live.Open(a.out)
		style := report.StyleFor(os.Getenv)
		style.Colour = style.Colour && terminal
		printChecks(a.out, results, style)
		return unfit(results)
	}
	return cmd
}

// resolvable asks a registry for an image.
func resolvable(ctx context.Context, ref ociref.Ref) error {
	_, err := registry.Resolve(ctx, ref, nil)
	return err
}

// doctorSubject says what the checks are about: the catalog that the user is
// in, if there is one, and its state folder.
func (a *app) doctorSubject(env *doctor.Env) error {
	root := a.dir
	if root == "" {
		wd, err := os.Getwd()
		if err == nil {
			root, err = catalog.FindRoot(wd)
		}
		if err != nil { // outside of a catalog
			if a.state != "" {
				env.State, err = a.stateDir(&catalog.Catalog{})
				return err
			}
			return nil
		}
	} else if _, err := catalog.FindRoot(root); err != nil {
		return err
	}
	env.Catalog = &doctor.Catalog{Root: root}
	c, g, err := a.load()
	var lk *lock.File
	if err == nil {
		lk, err = lock.Load(c.Root)
	}
	if err != nil {
		// the state may be anywhere, if plinth.yaml cannot be read
		env.Catalog.Err = err
		env.State, err = a.stateDir(&catalog.Catalog{Root: root, Config: catalog.Config{State: catalog.DefaultState}})
		return err
	}
	if env.State, err = a.stateDir(c); err != nil {
		return err
	}
	needs(env.Catalog, g, lk)
	env.Catalog.Root, env.Catalog.Pool = c.Root, poolDir(env.State)
	return nil
}

// needs fills in what a catalog needs.
func needs(d *doctor.Catalog, g *graph.Graph, lk *lock.File) {
	c := g.Catalog.Config
	d.Registry = c.Registry
	seen := map[any]bool{}
	for _, t := range g.Targets {
		switch {
		case t.Packages == nil:
			d.Dockerfiles++
		case t.Packages.Mode == catalog.Full:
			d.Full++
		default:
			d.Distroless++
		}
		for _, up := range t.Upstreams {
			if !seen[up.Ref] {
				seen[up.Ref] = true
				d.Upstreams = append(d.Upstreams, up.Ref)
			}
		}
		if t.Packages == nil {
			continue
		}
		for _, s := range c.Debian.Releases[t.Packages.Debian].Sources {
			archive := doctor.Archive{URI: s.URI, Suite: s.Suite}
			if !seen[archive] {
				seen[archive] = true
				d.Archives = append(d.Archives, archive)
			}
		}
	}
	for _, deb := range lk.Debs {
		d.Packages = append(d.Packages, deb.SHA256)
	}
	for _, sources := range lk.Sources {
		for _, s := range sources {
			if at, err := time.Parse(time.RFC3339, s.Date); err == nil && at.After(d.Newest) {
				d.Newest = at
			}
		}
	}
}

func doctorJSON(w io.Writer, results []doctor.Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Checks []doctor.Result `json:"checks"`
	}{results})
}

// printChecks prints a line for each check, with hints below it. A status is
// told by a symbol and a word, not by colour alone.
func printChecks(w io.Writer, results []doctor.Result, style report.Style) {
	name := 0
	for _, r := range results {
		name = max(name, live.Width(r.Name))
	}
	for _, r := range results {
		symbol, colour := statusMark(r.Status, style.ASCII)
		status := fmt.Sprintf("%s %-7s", symbol, r.Status)
		if style.Colour {
			status = "\x1b[" + colour + "m" + status + "\x1b[0m"
		}
		detail := strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f {
				return ' '
			}
			return c
		}, r.Detail)
		fmt.Fprintf(w, "%s  %-*s  %s\n", status, name, r.Name, detail)
		for _, h := range r.Hints {
			fmt.Fprintf(w, "%*s  hint: %s\n", len("x failed "), "", h)
		}
	}
}

// statusMark is the symbol of a status, and the parameter of the escape sequence
// that chooses its colour.
func statusMark(s doctor.Status, ascii bool) (symbol, colour string) {
	pick := func(symbol, plain string) string {
		if ascii {
			return plain
		}
		return symbol
	}
	switch s {
	case doctor.OK:
		return pick("✓", "+"), "32"
	case doctor.Warning:
		return "!", "33"
	case doctor.Failed:
		return pick("✗", "x"), "31"
	case doctor.Skipped:
	}
	return pick("·", "."), "2"
}

// unfit is the error of checks that failed, nil if none did.
func unfit(results []doctor.Result) error {
	var failed []string
	for _, r := range results {
		if r.Status == doctor.Failed {
			failed = append(failed, r.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return diag.Errorf(diag.Position{}, "cannot build as things are: %s failed: %s", report.Plural(len(failed), "check"), strings.Join(failed, ", ")).
		Hint("mend what the hints above say, then: plinth doctor")
}
