package dockerfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Ports are the ports that the target stage and the stages beneath it expose,
// each once, as 8080/tcp, sorted by number. Variables are those that ARG and ENV
// of these stages set; a port in a variable that an image beneath sets is left
// out, and so is what is no port: the build reports that.
func (f *File) Ports(opt Options) []string {
	r := &resolver{file: f, opt: opt, lex: shell.NewLex(f.Escape)}
	target, ok := r.findTarget()
	if !ok {
		return nil
	}
	global := r.globalArgs()
	r.resolveBases(global)
	if r.problems.Len() > 0 {
		return nil
	}
	var lineage []int
	for i := target; i >= 0; i = r.bases[i].stage {
		lineage = append(lineage, i)
	}
	slices.Reverse(lineage)
	var out []string
	vars := newEnv()
	for _, i := range lineage {
		out = append(out, r.stagePorts(f.stages[i].Commands, vars, global)...)
	}
	slices.SortFunc(out, ComparePorts)
	return slices.Compact(out)
}

// stagePorts goes through a stage as the build does: variables change on the way.
func (r *resolver) stagePorts(commands []instructions.Command, vars, global *env) []string {
	var out []string
	for _, cmd := range commands {
		switch c := cmd.(type) {
		case *instructions.EnvCommand:
			before := newEnv() // in one ENV no variable sees its neighbours
			for k, v := range vars.values {
				before.set(k, v)
			}
			for _, kv := range c.Env {
				if res, err := r.lex.ProcessWordWithMatches(kv.Value, before); err == nil {
					vars.set(kv.Key, res.Result)
				}
			}
		case *instructions.ArgCommand:
			for _, a := range c.Args {
				if v, ok := r.argument(a, vars, global); ok {
					vars.set(a.Key, v)
				}
			}
		case *instructions.ExposeCommand:
			for _, word := range c.Ports {
				if res, err := r.lex.ProcessWordWithMatches(word, vars); err == nil {
					for _, w := range strings.Fields(res.Result) {
						out = append(out, portRange(w)...)
					}
				}
			}
		}
	}
	return out
}

// argument is the value of an ARG within a stage: the build argument, its
// default, or that of the ARG before the first FROM.
func (r *resolver) argument(a instructions.KeyValuePairOptional, vars, global *env) (string, bool) {
	if v, ok := r.opt.Args[a.Key]; ok {
		return v, true
	}
	if a.Value == nil {
		return global.Get(a.Key)
	}
	res, err := r.lex.ProcessWordWithMatches(*a.Value, vars)
	return res.Result, err == nil
}

// portRange reads 80, 80/udp or 8000-8002/tcp; nil when it is none of them.
func portRange(word string) []string {
	numbers, protocol, found := strings.Cut(strings.ToLower(word), "/")
	if !found {
		protocol = "tcp"
	}
	low, high, found := strings.Cut(numbers, "-")
	if !found {
		high = low
	}
	from, err1 := strconv.ParseUint(low, 10, 16)
	to, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || !slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) {
		return nil
	}
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%d/%s", n, protocol))
	}
	return out
}

// ComparePorts orders ports such as 80/tcp by number, then by protocol.
func ComparePorts(a, b string) int {
	na, pa, _ := strings.Cut(a, "/")
	nb, pb, _ := strings.Cut(b, "/")
	x, _ := strconv.Atoi(na)
	y, _ := strconv.Atoi(nb)
	if x != y {
		return x - y
	}
	return strings.Compare(pa, pb)
}
