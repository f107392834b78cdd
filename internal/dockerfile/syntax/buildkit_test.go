package syntax

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// dump describes a file as far as both parsers know it.
func dump(f *File) string {
	var b strings.Builder
	for _, in := range f.Instructions {
		dumpInstruction(&b, in)
		fmt.Fprintf(&b, " line %d\n", in.Line)
		for _, h := range in.Heredocs {
			fmt.Fprintf(&b, "  heredoc %q %v %v %q\n", h.Name, h.Chomp, !h.Quoted, h.Body.S)
		}
	}
	return b.String()
}

func dumpInstruction(b *strings.Builder, in *Instruction) {
	fmt.Fprintf(b, "%s flags", in.Raw)
	for _, f := range in.Flags {
		flag := "--" + f.Name
		if f.HasValue {
			flag += "=" + f.Value
		}
		fmt.Fprintf(b, " %q", flag)
	}
	if values, ok := in.JSONValues(); ok {
		fmt.Fprintf(b, " json %q", values)
	}
	if in.Inner != nil {
		b.WriteString(" (")
		dumpInstruction(b, in.Inner)
		b.WriteString(")")
	}
}

func dumpBuildKit(r *parser.Result) string {
	var b strings.Builder
	for _, n := range r.AST.Children {
		dumpNode(&b, n)
		fmt.Fprintf(&b, " line %d\n", n.StartLine)
		for _, h := range n.Heredocs {
			content := h.Content
			if h.Chomp {
				content = parser.ChompHeredocContent(content)
			}
			fmt.Fprintf(&b, "  heredoc %q %v %v %q\n", h.Name, h.Chomp, h.Expand, content)
		}
	}
	return b.String()
}

func dumpNode(b *strings.Builder, n *parser.Node) {
	fmt.Fprintf(b, "%s flags", n.Value)
	for _, f := range n.Flags {
		fmt.Fprintf(b, " %q", f)
	}
	if n.Attributes["json"] {
		var values []string
		next := n.Next
		if strings.EqualFold(n.Value, "healthcheck") {
			next = next.Next
		}
		for ; next != nil; next = next.Next {
			values = append(values, next.Value)
		}
		fmt.Fprintf(b, " json %q", values)
	}
	if strings.EqualFold(n.Value, "onbuild") && n.Next != nil && len(n.Next.Children) > 0 {
		b.WriteString(" (")
		dumpNode(b, n.Next.Children[0])
		b.WriteString(")")
	}
}

// compare checks a file against BuildKit's parser; it says whether that takes it.
func compare(t *testing.T, data []byte) bool {
	t.Helper()
	f := Parse("Dockerfile", data)
	r, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return false
	}
	if got, want := dump(f), dumpBuildKit(r); got != want {
		t.Errorf("%q\ngot\n%s\nwant\n%s", data, got, want)
	}
	return true
}

// samples are what the two parsers could see differently.
var samples = []string{
	"FROM a\nRUN b",
	"\xef\xbb\xbfFROM a AS b\r\nRUN c \\\r\n  d\r\n",
	"# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN b `\n c\\\n",
	"#escape = `\n\nFROM a\nRUN b `\n# c\n\n c `\n",
	"# comment\n# escape=`\nFROM a\nRUN b \\\n c",
	"FROM a\n\\\nRUN b\n  \\\n\n",
	"FROM a\nRUN b \\\\\nRUN c\\ \t\n d\nRUN e \\",
	"FROM a\nRUN --mount=type=cache,target=/x --network=none  b --c\nCOPY --from='x y' --link -- a b\nRUN --a\\=b=\"c d\" e",
	"from a\nCmd [\"a\", \"b\\n\\\"c\"]\nRUN [ \"x\" ]\nCMD [a]\nRUN [ -f x ]\nHEALTHCHECK --interval=3s CMD [\"a\"]\nHEALTHCHECK NONE\nSHELL [\"a\", null]",
	"ONBUILD RUN --mount=type=bind a\nONBUILD ONBUILD COPY a b\nONBUILD\nNONSENSE x y",
	"RUN <<EOF\na\n b # c\nEOF\nRUN cat <<-'A' <<B\n\tx\n\tA\ny\nB\nCOPY <<\"ab\" /c\nx\nab\nRUN echo 1 && a << b c\nb\nRUN a",
	"ONBUILD RUN <<EOF\na\nEOF\nRUN a \\\n # comment\n\n <<EOF\nb\\\nc\nEOF\nRUN [\"<<EOF\"]\nLABEL a=<<EOF",
	"RUN <<EOF\r\na\r\nEOF\r\nRUN b",
}

func TestLikeBuildKit(t *testing.T) {
	for _, s := range samples {
		if !compare(t, []byte(s)) && !strings.Contains(s, "null") {
			_, err := parser.Parse(strings.NewReader(s))
			t.Errorf("BuildKit refuses %q: %v", s, err)
		}
	}
}

func FuzzLikeBuildKit(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !slices.ContainsFunc(data, func(c byte) bool { return c >= 0x80 }) {
			compare(t, data) // BuildKit reads flags byte by byte and garbles other letters in them
		}
		checkPlaces(t, data)
	})
}

// checkPlaces checks that each byte of each text stands where it says.
func checkPlaces(t *testing.T, data []byte) {
	t.Helper()
	f := Parse("Dockerfile", data)
	for _, in := range f.Instructions {
		texts := []Text{in.Text, in.Args}
		for _, h := range in.Heredocs {
			texts = append(texts, h.Body)
		}
		texts = append(texts, in.json...)
		texts = append(texts, in.Args.Words(f.Escape)...)
		texts = append(texts, in.Args.Fields()...)
		for _, text := range texts {
			for i := range len(text.S) {
				if at := text.Offset(i); at >= len(data) || data[at] != text.S[i] {
					t.Fatalf("%q: byte %d of %q is not at %d", data, i, text.S, at)
				}
			}
		}
		if in.Start > in.End || in.End > len(data) {
			t.Fatalf("%q: instruction from %d to %d", data, in.Start, in.End)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, s := range samples {
		checkPlaces(t, []byte(s))
	}
}
