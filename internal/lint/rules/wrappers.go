package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// wrapper is a program that runs another one.
type wrapper struct {
	valued   string // the letters of flags whose value is the next word, or the rest of this one
	plain    string // the letters of flags without a value
	long     string // the long flags whose value is the next word, unless it is behind an equals sign
	operands int    // words of its own before the command
	assigns  bool   // NAME=VALUE may come before the command
	number   bool   // -19 is a flag
}

// wrapperPrograms are the programs that are looked through. What their flags mean decides where the command
// begins; a flag that is not known makes that uncertain.
var wrapperPrograms = map[string]wrapper{
	"sudo":      {valued: "ugpCrtTUDRh", plain: "EHnSiskKPbAB", long: " --user --group --prompt --close-from --role --type --host --chdir --chroot ", assigns: true},
	"doas":      {valued: "uC", plain: "ns"},
	"env":       {valued: "uC", plain: "i0v", long: " --unset --chdir ", assigns: true},
	"exec":      {valued: "a", plain: "cl"},
	"command":   {plain: "p"},
	"nice":      {valued: "n", long: " --adjustment ", number: true},
	"ionice":    {valued: "cn", plain: "t", long: " --class --classdata "},
	"nohup":     {},
	"time":      {valued: "fo", plain: "pav", long: " --format --output "},
	"timeout":   {valued: "sk", plain: "v", long: " --signal --kill-after ", operands: 1},
	"xargs":     {valued: "nPILsdaE", plain: "0rtpxoil", long: " --max-args --max-procs --max-lines --max-chars --delimiter --arg-file "},
	"gosu":      {operands: 1},
	"su-exec":   {operands: 1},
	"builtin":   {},
	"eatmydata": {},
	"fakeroot":  {valued: "lsib", plain: "u", long: " --lib --faked --fd-base "},
	"busybox":   {},
}

// unwrap gives the command behind sudo, env, exec and the like, the command itself where there is
// none or where it is not certain which words are the command.
func unwrap(c *shellscript.Command) *shellscript.Command {
	words := c.Words
	for inner := wrapped(c, words); inner != nil; inner = wrapped(c, words) {
		words = inner
	}
	if len(words) == len(c.Words) {
		return c
	}
	return &shellscript.Command{Script: c.Script, Stmt: c.Stmt, Call: c.Call, Words: words}
}

// wrapped is the command that words of a command run which are there for that, nil for others and where it is not
// certain which words it is.
func wrapped(c *shellscript.Command, words []shellscript.Word) []shellscript.Word {
	w, ok := wrapperPrograms[programBase(words[0])]
	if !ok || c.Script.FirstWord {
		return nil
	}
	n := w.skip(words[1:])
	if n < 0 || n >= len(words)-1 {
		return nil
	}
	return words[1+n:]
}

// skip is the number of arguments before the command, -1 if that is not certain.
func (w wrapper) skip(args []shellscript.Word) int {
	i, operands := 0, w.operands
	for ; i < len(args); i++ {
		s := args[i].S
		switch {
		case s == "--":
			for i++; w.assigns && i < len(args) && isAssignment(args[i].S); i++ {
			}
			return i + operands
		case s == "-" && w.assigns: // env - is env -i
		case len(s) > 1 && s[0] == '-':
			n := w.flag(s)
			if n < 0 {
				return -1
			}
			i += n
		case w.assigns && isAssignment(s):
		case operands > 0:
			operands--
		default:
			return i
		}
	}
	return i
}

// flag is the number of words that a flag takes behind it, -1 for an unknown one.
func (w wrapper) flag(s string) int {
	if strings.HasPrefix(s, "--") {
		if strings.Contains(w.long, " "+s+" ") {
			return 1
		}
		if strings.HasPrefix(s, "--list") || strings.HasPrefix(s, "--edit") || strings.HasPrefix(s, "--split-string") {
			return -1
		}
		return 0
	}
	if w.number && strings.Trim(s[1:], "-0123456789") == "" {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case strings.IndexByte(w.valued, s[i]) >= 0:
			if i == len(s)-1 {
				return 1
			}
			return 0
		case strings.IndexByte(w.plain, s[i]) < 0:
			return -1
		case s[i] == 'i' && w.operands == 0 && strings.IndexByte(w.valued, 'I') >= 0, s[i] == 'l' && strings.IndexByte(w.valued, 'L') >= 0:
			return 0 // xargs -i{}, -l1: the rest is a value
		}
	}
	return 0
}

// isAssignment says whether a word is NAME=VALUE.
func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// eachUnwrapped calls fn for each command of each RUN step of a stage, without what it is wrapped in,
// and for those that find and sh -c run.
func eachUnwrapped(s *lint.Stage, fn func(*lint.Run, *shellscript.Command)) {
	type ran struct {
		run     *lint.Run
		command *shellscript.Command
	}
	all := s.Doc().Once(unwrappedKey{s.Index}, func() any {
		var out []ran
		for _, run := range s.Runs() {
			eachScript(run.Scripts, func(script *shellscript.Script) {
				for _, c := range script.Commands {
					c = unwrap(c)
					out = append(out, ran{run, c})
					if c.Base() == "find" {
						for _, inner := range findCommands(c) {
							out = append(out, ran{run, unwrap(inner)})
						}
					}
				}
			})
		}
		return out
	}).([]ran)
	for _, r := range all {
		fn(r.run, r.command)
	}
}

// unwrappedKey is what a Dockerfile keeps the commands of a stage under, without what they are wrapped in.
type unwrappedKey struct{ stage int }

// eachScript calls fn for scripts and for those that they give to sh -c.
func eachScript(scripts []*shellscript.Script, fn func(*shellscript.Script)) {
	for _, script := range scripts {
		fn(script)
		eachScript(script.Inner, fn)
	}
}

// isScriptWord says whether a word is a script of its own, which is read by its words.
func isScriptWord(script *shellscript.Script, w shellscript.Word) bool {
	for _, inner := range script.Inner {
		if w.Quoted && len(w.Text.S) > 1 && inner.Text.Offset(0) == w.Text.Offset(1) {
			return true
		}
	}
	return false
}

// findCommands are the commands behind -exec in the arguments of find.
func findCommands(c *shellscript.Command) (out []*shellscript.Command) {
	args := c.Args()
	for i := 0; i < len(args); i++ {
		switch args[i].S {
		case "-exec", "-execdir", "-ok", "-okdir":
		default:
			continue
		}
		from := i + 1
		for i = from; i < len(args) && args[i].S != ";" && args[i].S != "+"; i++ {
		}
		if from < i {
			out = append(out, &shellscript.Command{Script: c.Script, Stmt: c.Stmt, Call: c.Call, Words: args[from:i]})
		}
	}
	return out
}

// hasLetter finds a one-letter flag, alone or among other letters behind one dash. The letters in
// valued take the rest of the word, or the next one, as their value.
func hasLetter(c *shellscript.Command, letter byte, valued string) (shellscript.Word, bool) {
	w, _, ok := letterFlag(c, letter, valued)
	return w, ok
}

// letterFlag finds a one-letter flag and the value that it has when valued names it too.
func letterFlag(c *shellscript.Command, letter byte, valued string) (flag, value shellscript.Word, ok bool) {
	args := c.Args()
	for i := 0; i < len(args); i++ {
		s := args[i].S
		if s == "--" {
			break
		}
		if len(s) < 2 || s[0] != '-' || s[1] == '-' {
			continue
		}
		for k := 1; k < len(s); k++ {
			takes := strings.IndexByte(valued, s[k]) >= 0
			if s[k] == letter {
				switch {
				case takes && k+1 < len(s):
					value = args[i]
					value.S = s[k+1:]
				case takes && i+1 < len(args):
					value = args[i+1]
				}
				return args[i], value, true
			}
			if takes {
				if k == len(s)-1 {
					i++
				}
				break
			}
		}
	}
	return shellscript.Word{}, shellscript.Word{}, false
}

// runsProgram says whether a command runs a program of one of these names.
func runsProgram(c *shellscript.Command, names ...string) bool {
	if !c.Words[0].Literal {
		return false
	}
	base := path.Base(c.Words[0].S)
	for _, n := range names {
		if base == n {
			return true
		}
	}
	return false
}

// commandSpan is the place of a command from its name to its last word.
func commandSpan(c *shellscript.Command) lint.Span {
	return lint.Span{From: lint.At(c.Words[0].Text).From, To: lint.At(c.Words[len(c.Words)-1].Text).To}
}
