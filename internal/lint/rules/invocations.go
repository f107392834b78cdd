package rules

import (
	"iter"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// A program is what a command runs. One that runs another one, such as "sudo apt-get
// update", is there twice: as sudo, and as apt-get.
type program struct {
	command *shellscript.Command
	words   []shellscript.Word // its name first
}

// name is the name without folders, with them where the script says FirstWord, and "" if it is not known before it runs.
func (p program) name() string {
	if p.command.Script.FirstWord && p.words[0].Literal {
		return p.words[0].S
	}
	return programBase(p.words[0])
}

func programBase(w shellscript.Word) string {
	if !w.Literal {
		return ""
	}
	return w.S[strings.LastIndexByte(w.S, '/')+1:]
}

// programs are the programs that a step runs, in the order in which they are written.
func programs(run *lint.Run) iter.Seq[program] {
	return func(yield func(program) bool) {
		for _, script := range run.Scripts {
			for _, c := range script.Commands {
				for words := c.Words; len(words) > 0; words = wrapped(c, words) {
					if !yield(program{c, words}) {
						return
					}
				}
			}
		}
	}
}

// A tool is a program with subcommands.
type tool struct {
	names    []string
	valued   []string // flags that take a value in the next word
	switches []string // with these, all other long flags do too, but for --no-something
}

// An invocation is a call of a tool, taken apart.
type invocation struct {
	program program
	name    shellscript.Word
	verb    shellscript.Word   // the subcommand; S is "" without one
	flags   []flag             // wherever they stand
	args    []shellscript.Word // behind the verb, neither flags nor their values
	tail    []shellscript.Word // behind --
	unknown bool               // a variable may hold more flags
	opaque  []shellscript.Word // those variables behind the verb
}

// A flag is one flag, also one of several letters behind one dash.
type flag struct {
	name  string // with its dashes
	value shellscript.Word
	word  shellscript.Word // that it stands in
}

// calls are the invocations of a tool in a step.
func (t *tool) calls(run *lint.Run) (out []*invocation) {
	for p := range programs(run) {
		if slices.Contains(t.names, p.name()) {
			out = append(out, t.parse(p))
		}
	}
	return out
}

func (t *tool) parse(p program) *invocation {
	v := &invocation{program: p, name: p.words[0]}
	words := p.words[1:]
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w.S == "--":
			v.tail = words[i+1:]
			return v
		case len(w.S) > 1 && w.S[0] == '-':
			if t.flag(v, w) && i+1 < len(words) {
				i++
				v.flags[len(v.flags)-1].value = words[i]
			}
		case !w.Literal && (v.verb.S == "" || mayHoldFlags(w)):
			v.unknown = true
			if v.verb.S != "" {
				v.opaque = append(v.opaque, w)
			}
		case v.verb.S == "":
			v.verb = w
		default:
			v.args = append(v.args, w)
		}
	}
	return v
}

// mayHoldFlags says whether a variable is there for flags, by its name.
func mayHoldFlags(w shellscript.Word) bool {
	if w.Quoted || !strings.HasPrefix(w.S, "$") {
		return false
	}
	name := strings.ToLower(w.S)
	return strings.Contains(name, "opt") || strings.Contains(name, "flag") || strings.Contains(name, "args")
}

// flag takes a word with flags apart, and says whether the next word is the value of the last one.
func (t *tool) flag(v *invocation, w shellscript.Word) bool {
	name, value, has := strings.Cut(w.S, "=")
	if strings.HasPrefix(name, "--") {
		v.flags = append(v.flags, flag{name, cutWord(w, value), w})
		return !has && t.takesValue(name)
	}
	for i := 1; i < len(name); i++ {
		short := "-" + name[i:i+1]
		rest := w.S[i+1:]
		switch {
		case slices.Contains(t.valued, short):
			v.flags = append(v.flags, flag{short, cutWord(w, strings.TrimPrefix(rest, "=")), w})
			return rest == ""
		case i+1 == len(name):
			v.flags = append(v.flags, flag{short, cutWord(w, value), w})
		default:
			v.flags = append(v.flags, flag{name: short, word: w})
		}
	}
	return false
}

func (t *tool) takesValue(flag string) bool {
	if t.switches == nil || slices.Contains(t.valued, flag) {
		return slices.Contains(t.valued, flag)
	}
	return !slices.Contains(t.switches, flag) && !strings.HasPrefix(flag, "--no-")
}

func cutWord(w shellscript.Word, value string) shellscript.Word {
	w.S = value
	return w
}

// is says whether the subcommand is one of these.
func (v *invocation) is(verbs ...string) bool { return slices.Contains(verbs, v.verb.S) }

// has says whether one of these flags is given.
func (v *invocation) has(names ...string) bool {
	return slices.ContainsFunc(v.flags, func(f flag) bool { return slices.Contains(names, f.name) })
}

// values are the values of these flags.
func (v *invocation) values(names ...string) (out []shellscript.Word) {
	for _, f := range v.flags {
		if slices.Contains(names, f.name) {
			out = append(out, f.value)
		}
	}
	return out
}

// span goes from the tool's name to the subcommand.
func (v *invocation) span() lint.Span {
	from := v.name.Text.Offset(0)
	last := v.name.Text
	if v.verb.S != "" {
		last = v.verb.Text
	}
	return lint.Span{From: from, To: max(from, last.Offset(len(last.S)))}
}

// title is how messages name the call: "apt-get install".
func (v *invocation) title() string {
	if v.verb.S == "" {
		return programBase(v.name)
	}
	return programBase(v.name) + " " + v.verb.S
}

// addFlag adds a flag behind the subcommand of all these calls to the fix of a finding.
func addFlag(f *lint.Finding, calls []*invocation, flag string) {
	var edits []lint.Edit
	for _, v := range calls {
		if !v.editable() {
			return
		}
		edits = append(edits, lint.InsertAfter(v.verb.Text, " "+flag))
	}
	f.WithFix("add "+flag, edits...)
}

// direct says whether a call is the whole of its command, not run by another program.
func (v *invocation) direct() bool { return len(v.program.words) == len(v.program.command.Words) }

// editable says whether words can be added to a call: not where each is an element of a JSON array.
func (v *invocation) editable() bool { return v.program.command.Call != nil }

// withoutVersion are the packages among the words of a call that a test does not take for pinned. What variables
// stand for is known only in part; hadolint takes each for a package of that name.
func withoutVersion(s *lint.Stage, run *lint.Run, v *invocation, words []shellscript.Word, pinned func(string) bool) (out []shellscript.Word) {
	asWritten := s.Options().Hadolint
	if asWritten {
		words = slices.Concat(words, v.opaque)
	}
	for _, word := range words {
		meant := []shellscript.Word{word}
		if !asWritten {
			meant = fields(s, run, v.program.command.Script, word)
		}
		for _, w := range meant {
			if w.S != "" && !pinned(w.S) {
				out = append(out, w)
			}
		}
	}
	return out
}

// keep are the calls that a test holds for.
func keep(calls []*invocation, test func(*invocation) bool) []*invocation {
	return slices.DeleteFunc(calls, func(v *invocation) bool { return !test(v) })
}
