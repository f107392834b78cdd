package cli

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/plinth-build/plinth/internal/buildctx"
	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/lock"
	"github.com/plinth-build/plinth/internal/plan"
)

// session is an opened catalog with everything that planning needs.
type session struct {
	catalog *catalog.Catalog
	graph   *graph.Graph
	lock    *lock.File
	state   string
	epoch   string
	cache   *buildctx.StatCache
	given   given    // secrets, once targets were planned
	known   *commits // of the targets that were planned; nil before that
}

func (a *app) session() (*session, error) {
	c, g, err := a.load()
	if err != nil {
		return nil, err
	}
	s := &session{catalog: c, graph: g}
	if s.lock, err = lock.Load(c.Root); err != nil {
		return nil, err
	}
	if s.state, err = a.stateDir(c); err != nil {
		return nil, err
	}
	for _, image := range c.Images {
		if rel, err := filepath.Rel(filepath.Join(c.Root, filepath.FromSlash(image.Dir)), s.state); err == nil && filepath.IsLocal(rel) {
			return nil, diag.Errorf(diag.Position{}, "cannot keep the state in %s: it lies in the folder %s, whose files are an image's build context", shown(s.state), image.Dir).
				Hint("name a folder outside of it with --state-dir").WithCode(diag.ExitUsage)
		}
	}
	if s.epoch, err = sourceDateEpoch(); err != nil {
		return nil, err
	}
	s.cache = buildctx.LoadStatCache(s.statCachePath())
	return s, nil
}

func (s *session) statCachePath() string { return filepath.Join(s.state, "cache", "stat") }
func (s *session) storeDir() string      { return filepath.Join(s.state, "store") }

// sourceDateEpoch is $SOURCE_DATE_EPOCH, checked: seconds since 1970.
func sourceDateEpoch() (string, error) {
	v := os.Getenv("SOURCE_DATE_EPOCH")
	if v == "" {
		return "", nil
	}
	if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 0 {
		return "", diag.Errorf(diag.Position{}, "cannot use SOURCE_DATE_EPOCH=%q: it must be seconds since 1970", v).
			Hint("the time of the last commit is: SOURCE_DATE_EPOCH=$(git log -1 --format=%%ct)").WithCode(diag.ExitUsage)
	}
	return v, nil
}

// selection is what a user asks to build, and how.
type selection struct {
	choice
	noCache       bool // build what is selected afresh
	secrets       *secretFlags
	noCacheFilter []string // selectors of what else is built afresh, if it is part of the run
}

// planner makes a planner for the selected targets and their ancestors, prepared.
func (s *session) planner(ctx context.Context, view plan.View, sel selection, now time.Time) (*plan.Planner, []*graph.Target, error) {
	selected, err := sel.targets(ctx, s.graph)
	if err != nil {
		return nil, nil, err
	}
	targets := withAncestors(s.graph, selected)
	known, err := s.commits(ctx, targets)
	if err != nil {
		return nil, nil, err
	}
	s.known = known
	opts := plan.Options{Now: now, Epoch: s.epoch, NoCache: map[string]bool{}, Labels: known.labels}
	if sel.secrets == nil {
		sel.secrets = &secretFlags{}
	}
	if s.given, err = sel.secrets.load(s.catalog.Config.Secrets, targets); err != nil {
		return nil, nil, err
	}
	opts.Secrets, opts.Agents = s.given.secrets.IDs(), s.given.agentIDs()
	if sel.noCache {
		for _, t := range selected {
			opts.NoCache[t.Name] = true
		}
	}
	for _, f := range sel.noCacheFilter {
		afresh, err := s.graph.Select(f)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range afresh {
			opts.NoCache[t.Name] = true
		}
	}
	p := plan.New(s.catalog.Root, s.lock, view, s.cache, opts)
	return p, targets, p.Prepare(targets)
}
