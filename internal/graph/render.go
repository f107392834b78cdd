package graph

// The graph as people and programs read it. Everything here takes a set of
// targets in build order, such as Select gives; edges to targets outside of it
// are left out, except in JSON, which lists all parents by name.

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// wireGraph is the form that `plinth graph --format json` prints.
type wireGraph struct {
	Targets []wireTarget `json:"targets"`
}

type wireTarget struct {
	Name       string   `json:"name"`
	Image      string   `json:"image"`
	Flavour    string   `json:"flavour"`
	Tier       string   `json:"tier"`
	Dockerfile string   `json:"dockerfile"`
	Parents    []string `json:"parents"`
	Upstreams  []string `json:"upstreams"`
}

// JSON is an object with the list "targets"; each has name, image, flavour,
// tier, dockerfile, parents (names) and upstreams (normalised references), and
// arrays are never null. It ends with a line break.
func JSON(targets []*Target) ([]byte, error) {
	out := wireGraph{Targets: []wireTarget{}}
	for _, t := range targets {
		w := wireTarget{
			Name: t.Name, Image: t.Image.Name, Flavour: t.Flavour, Tier: t.Image.Tier, Dockerfile: t.DockerfilePath,
			Parents: []string{}, Upstreams: t.upstreamNames(),
		}
		for _, p := range t.parents() {
			w.Parents = append(w.Parents, p.Name)
		}
		out.Targets = append(out.Targets, w)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the graph: %w", err)
	}
	return append(data, '\n'), nil
}

// upstreamNames are the normalised upstreams, each once, in the order of the references; never nil.
func (t *Target) upstreamNames() []string {
	names := []string{}
	for _, u := range t.Upstreams {
		if n := u.Ref.Normalised(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// subset is a set of targets with the edges inside it.
type subset struct {
	targets  []*Target
	children map[*Target][]*Target
	roots    []*Target // those without a parent in the set
}

func newSubset(targets []*Target) subset {
	s := subset{targets: targets, children: map[*Target][]*Target{}}
	in := map[*Target]bool{}
	for _, t := range targets {
		in[t] = true
	}
	for _, t := range targets {
		root := true
		for _, p := range t.parents() {
			if in[p] {
				root = false
				s.children[p] = append(s.children[p], t)
			}
		}
		if root {
			s.roots = append(s.roots, t)
		}
	}
	for _, list := range s.children {
		slices.SortFunc(list, byNames)
	}
	slices.SortFunc(s.roots, byNames)
	return s
}

func byNames(a, b *Target) int { return strings.Compare(a.Name, b.Name) }

// Tree prints each target under each of its parents, one on a line. What stands
// under a target is printed the first time only; later ones are marked with (*).
// With ascii it uses no other characters.
func Tree(targets []*Target, ascii bool) string {
	t := treePrinter{subset: newSubset(targets), printed: map[*Target]bool{}}
	t.fork, t.last, t.bar = "├── ", "└── ", "│   "
	if ascii {
		t.fork, t.last, t.bar = "|-- ", "`-- ", "|   "
	}
	for _, root := range t.roots {
		t.print(root, "", "")
	}
	return t.out.String()
}

type treePrinter struct {
	subset
	fork, last, bar string
	printed         map[*Target]bool
	out             strings.Builder
}

// print writes a target behind lead, and its children behind indent.
func (p *treePrinter) print(t *Target, lead, indent string) {
	p.out.WriteString(lead + t.Name)
	children := p.children[t]
	if p.printed[t] && len(children) > 0 {
		p.out.WriteString(" (*)\n")
		return
	}
	p.printed[t] = true
	p.out.WriteByte('\n')
	for i, c := range children {
		if i == len(children)-1 {
			p.print(c, indent+p.last, indent+"    ")
		} else {
			p.print(c, indent+p.fork, indent+p.bar)
		}
	}
}

// DOT is the graph for Graphviz: an arrow leads from a parent to its child,
// dashed when the child takes files from it only; upstreams are ellipses.
func DOT(targets []*Target) string {
	var b strings.Builder
	b.WriteString("digraph plinth {\n\trankdir=LR;\n\tnode [shape=box];\n")
	for _, t := range targets {
		fmt.Fprintf(&b, "\t%s;\n", dotString(t.Name))
	}
	ups := upstreamsOf(targets)
	for _, u := range ups {
		fmt.Fprintf(&b, "\t%s [shape=ellipse];\n", dotString(u))
	}
	for _, a := range arrows(targets) {
		style := ""
		if !a.base {
			style = " [style=dashed]"
		}
		fmt.Fprintf(&b, "\t%s -> %s%s;\n", dotString(a.from), dotString(a.to), style)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Mermaid is the graph as a flowchart for Markdown pages, with the arrows of DOT.
func Mermaid(targets []*Target) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[string]string{}
	for _, t := range targets {
		ids[t.Name] = fmt.Sprintf("t%d", len(ids))
		fmt.Fprintf(&b, "    %s[\"%s\"]\n", ids[t.Name], t.Name)
	}
	for i, u := range upstreamsOf(targets) {
		ids[u] = fmt.Sprintf("u%d", i)
		fmt.Fprintf(&b, "    %s([\"%s\"])\n", ids[u], u)
	}
	for _, a := range arrows(targets) {
		arrow := "-->"
		if !a.base {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "    %s %s %s\n", ids[a.from], arrow, ids[a.to])
	}
	return b.String()
}

// upstreamsOf are the normalised upstreams of all targets, each once, in alphabetical order.
func upstreamsOf(targets []*Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.upstreamNames()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// arrow leads from a parent or an upstream to what needs it.
type arrow struct {
	from, to string
	base     bool // the child stands on it
}

// arrows are those of each target in turn, each once: parents, then upstreams.
func arrows(targets []*Target) []arrow {
	in := map[*Target]bool{}
	for _, t := range targets {
		in[t] = true
	}
	var out []arrow
	for _, t := range targets {
		first := len(out)
		add := func(from string, base bool) {
			for i := first; i < len(out); i++ {
				if out[i].from == from {
					out[i].base = out[i].base || base
					return
				}
			}
			out = append(out, arrow{from: from, to: t.Name, base: base})
		}
		for _, e := range t.Parents {
			if in[e.Target] {
				add(e.Target.Name, e.Base)
			}
		}
		for _, u := range t.Upstreams {
			add(u.Ref.Normalised(), u.Base)
		}
	}
	return out
}
