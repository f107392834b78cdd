package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/debian/apt"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/ociref"
	"github.com/plinth-build/plinth/internal/registry"
	"github.com/plinth-build/plinth/internal/report"
	"github.com/plinth-build/plinth/internal/store"
	"github.com/plinth-build/plinth/internal/update"
)

func (a *app) updateCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "update [REF…]",
		Short: "Pin upstream images and Debian packages in plinth.lock",
		Long: `Ask registries what the upstream tags in the Dockerfiles point at now, ask the
Debian archive which packages satisfy the package lists now, and write both into
plinth.lock. Nothing else moves what a build uses.

REF is an upstream image (debian:12), or selects package images as in plinth
build. Without REF everything is resolved again, and what the catalog no longer
names is dropped.`,
		Example: `  plinth update                 # everything
  plinth update debian:12       # one upstream
  plinth update debian12-java17 # the packages of one image
  plinth update --check         # say what moved (exit 2), write nothing`,
		ValidArgsFunction: a.completeTargets,
	}
	cmd.Flags().BoolVar(&check, "check", false, "only say what moved: exit 2 if anything did, write nothing")
	f := formatFlag(cmd, "pretty", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		began := a.now()
		c, g, err := a.load()
		if err != nil {
			return err
		}
		old, err := lock.Load(c.Root)
		if err != nil {
			return err
		}
		req, err := updateRequest(g, args)
		if err != nil {
			return err
		}
		state, err := a.stateDir(c)
		if err != nil {
			return err
		}
		if !check {
			held, err := store.Acquire(state, "plinth update")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, held.Release()) }()
			if held.Stale { // the lock's file, which says so, will be gone
				st, err := store.Open(filepath.Join(state, "store"))
				if err != nil {
					return err
				}
				if err := sweep(cmd.Context(), state, st); err != nil {
					return err
				}
			}
		}
		client, err := apt.New(aptOptions(c, state, a.now))
		if err != nil {
			return err
		}
		result, err := update.Run(cmd.Context(), g, c.Config, old, update.Sources{Registry: registry.Resolve, Archive: client.Fetch}, req)
		if err != nil {
			return err
		}
		if !check {
			if err := result.Lock.Save(c.Root); err != nil {
				return notSaved(err)
			}
		}
		if f.value == "json" {
			err = report.ChangesJSON(a.out, result)
		} else {
			a.printChanges(result, check, a.now().Sub(began))
		}
		if err == nil && check && len(result.Changes) > 0 {
			return diag.Errorf(diag.Position{}, "plinth.lock is behind: %s", report.Plural(len(result.Changes), "change")).
				Hint("take them with: plinth update").WithCode(diag.ExitFindings)
		}
		return err
	}
	return cmd
}

// notSaved adds what to do when the lock cannot be written.
func notSaved(err error) error {
	if !fleet.DiskFull(err) {
		return err
	}
	var l diag.List
	for _, e := range diag.Flatten(err) {
		l.Add(e.Hint("make room on the disk that holds the catalog; the lock is as it was"))
	}
	return l.Err()
}

func aptOptions(c *catalog.Catalog, state string, now func() time.Time) apt.Options {
	o := apt.Options{CacheDir: filepath.Join(state, "cache", "indexes"), Signers: c.Config.Debian.Signers, Now: now}
	if k := c.Config.Debian.Keyring; k != "" {
		o.Keyring, o.KeyringPos = filepath.Join(c.Root, filepath.FromSlash(k)), diag.Position{File: catalog.ConfigFile}
	}
	return o
}

func (a *app) printChanges(result update.Result, check bool, took time.Duration) {
	next, changes := result.Lock, result.Changes
	report.Changes(a.out, changes)
	for _, n := range result.Notes {
		fmt.Fprintf(a.err, "note: %s\n", n)
	}
	what := fmt.Sprintf("%s and %s with %s", report.Plural(len(next.Upstreams), "upstream"),
		report.Plural(len(next.Sets), "package image"), report.Plural(len(next.Debs), "package"))
	switch {
	case len(changes) == 0:
		fmt.Fprintf(a.out, "Nothing moved (%s) in %s\n", what, report.Duration(took))
	case check:
		fmt.Fprintf(a.out, "%s, nothing written\n", report.Plural(len(changes), "change"))
	default:
		fmt.Fprintf(a.out, "%s now pins %s, in %s\n", lock.FileName, what, report.Duration(took))
	}
}

// updateRequest sorts arguments into targets and upstreams: what selects a
// target is one, the rest must be a reference.
func updateRequest(g *graph.Graph, args []string) (update.Request, error) {
	var req update.Request
	var problems diag.List
	for _, arg := range args {
		targets, selErr := g.Select(arg)
		if selErr == nil {
			found := false
			for _, t := range targets {
				if t.Packages != nil {
					req.Targets, found = append(req.Targets, t), true
				}
				for _, up := range t.Upstreams {
					if up.Ref.Digest() == "" {
						req.Upstreams, found = append(req.Upstreams, up.Ref), true
					}
				}
			}
			if !found {
				problems.Add(diag.Errorf(diag.Position{}, "nothing to update in %s: it takes neither packages nor upstream images", arg).WithCode(diag.ExitUsage))
			}
			continue
		}
		ref, err := ociref.Parse(arg)
		if err != nil {
			problems.AddErr(selErr)
			continue
		}
		req.Upstreams = append(req.Upstreams, ref)
	}
	return req, problems.Err()
}
