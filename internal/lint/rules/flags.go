package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/shellscript"
)

// commandFlag is a flag that a command is given.
type commandFlag struct {
	Name  string // --uid, -u
	Value string // "" for none; that of a long flag only behind an equals sign
	Next  string // the next word, which is the value of a long flag that has to have one
}

// commandFlags reads the flags of a command as getopt does: letters behind one dash are a flag each, until one
// of those that have a value, which is the rest of the word or the next word.
func commandFlags(c *shellscript.Command, valued string) (out []commandFlag) {
	args := c.Args()
	for i := 0; i < len(args); i++ {
		w, next := args[i].S, ""
		if i+1 < len(args) {
			next = args[i+1].S
		}
		switch {
		case w == "--":
			return out
		case strings.HasPrefix(w, "--"):
			name, value, _ := strings.Cut(w, "=")
			out = append(out, commandFlag{name, value, next})
		case strings.HasPrefix(w, "-"):
			for k := 1; k < len(w); k++ {
				f := commandFlag{Name: "-" + w[k:k+1]}
				if strings.IndexByte(valued, w[k]) < 0 {
					out = append(out, f)
					continue
				}
				if f.Value = w[k+1:]; f.Value == "" {
					f.Value = next
					i++
				}
				out = append(out, f)
				break
			}
		}
	}
	return out
}
