package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/cli"
	"github.com/plinth-build/plinth/internal/diag"
)

// The documentation is checked for what can be checked without building anything: the
// commands in it are ones that the program takes, and its links lead somewhere.
// test/accept/getting-started runs a page for real.

// pages are the Markdown files that people read, by their path from the root of the
// tree. Those in docs/reference are written by the program.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "docs/reference/*.md", "examples/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no page is called %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.ToSlash(name)] = string(data)
		}
	}
	return out
}

func TestDocumentedCommandsParse(t *testing.T) {
	total := 0
	for name, text := range pages(t) {
		for _, line := range commandLines(text) {
			total++
			if problem := parses(line); problem != "" {
				t.Errorf("%s: %q: %s", name, line, problem)
			}
		}
	}
	if total < 150 {
		t.Errorf("only %d commands were found", total)
	}
}

// What is wrong must be seen to be wrong, and what stands around a command must not matter.
func TestCommandLines(t *testing.T) {
	text := "A `plinth build -j 4` and `plinth\nplan`, `plinth.yaml`, `plinth`.\n" +
		"```console\n$ sudo plinth build 'a b' > log\nplinth is printed\n$ cd x && plinth list | head # plinth why\n```\n" +
		"```sh\nplinth update --check\nplinth export a \\\n  --dest -\nmkdir plinth\nplinth build --secret id=a,src=<(pass a) b\n```\n" +
		"```mermaid\na -- plinth nothing --> b\n```\n"
	got := commandLines(text)
	want := []string{
		"plinth build -j 4", "plinth plan", "plinth build 'a b' > log", "plinth list | head # plinth why",
		"plinth update --check", "plinth export a    --dest -", "plinth build --secret id=a,src=<(pass a) b",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for line, wrong := range map[string]bool{
		"plinth build -j 4 a+":               false,
		"plinth build 'a b' > log --nope":    false,
		"plinth list --format json | jq .":   false,
		"plinth --help":                      false,
		"plinth --catalog x list":            false,
		"plinth build [SELECTOR…]":           false,
		"plinth build …":                     false,
		"plinth completion bash|zsh":         false,
		"plinth build --nope":                true,
		"plinth nope":                        true,
		"plinth list --format yaml":          true,
		"plinth build -j many":               true,
		"plinth export a --dest":             true,
		"plinth build --keep-going --dest x": true,
		"plinth -C x nope":                   true,
	} {
		if got := parses(line); (got != "") != wrong {
			t.Errorf("%s: %q", line, got)
		}
	}
}

var (
	fence     = regexp.MustCompile("(?m)^[ \t]*```(.*)$")
	inline    = regexp.MustCompile("`(plinth [^`]+)`")
	startsOne = regexp.MustCompile(`(?:^|&& |\| |; |\$\()(?:sudo )?(plinth .*)$`)
)

// commandLines are the plinth commands of a page: in blocks of shell, in sessions
// behind the prompt, and in running text. Other blocks have none.
func commandLines(text string) (out []string) {
	kind := "" // of the block, "" outside
	var prose strings.Builder
	continued := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := fence.FindStringSubmatch(line); m != nil {
			if kind == "" {
				kind = "other " + m[1]
			} else {
				kind = ""
			}
			continue
		}
		switch kind {
		case "":
			prose.WriteString(line + " ")
			continue
		case "other sh":
		case "other console":
			var isCommand bool
			if line, isCommand = strings.CutPrefix(line, "$ "); !isCommand {
				continue
			}
		default:
			continue
		}
		line = continued + line
		if before, more := strings.CutSuffix(line, "\\"); more {
			continued = before + " "
			continue
		}
		continued = ""
		if m := startsOne.FindStringSubmatch(line); m != nil {
			out = append(out, m[1])
		}
	}
	for _, m := range inline.FindAllStringSubmatch(prose.String(), -1) {
		out = append(out, strings.Join(strings.Fields(m[1]), " "))
	}
	return out
}

// parses says what the program has against a command line, "" if nothing. It is
// asked for help about the command, which it gives when it understands the flags.
func parses(line string) string {
	args := words(line)[1:]
	if i := slices.IndexFunc(args, func(a string) bool { return strings.ContainsAny(a, "…[") && !strings.HasPrefix(a, "-") }); i >= 0 {
		args = args[:i] // "plinth build [SELECTOR…]" shows a form
	}
	at := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	for at > 0 && slices.Contains([]string{"-C", "--catalog", "--state-dir"}, args[at-1]) {
		next := slices.IndexFunc(args[at+1:], func(a string) bool { return !strings.HasPrefix(a, "-") })
		if next < 0 {
			at = -1
			break
		}
		at += 1 + next
	}
	var out, errs bytes.Buffer
	// behind the command, and in front of its flags: one without a value would take it for its value
	if code := cli.Main(slices.Insert(args, at+1, "--help"), &out, &errs); code != diag.ExitOK {
		return errs.String()
	}
	if at < 0 {
		return ""
	}
	// help about an unknown command is help about plinth
	if command, _, _ := strings.Cut(args[at], "|"); !strings.Contains(out.String(), "  plinth "+command) {
		return "there is no such command"
	}
	return ""
}

// words splits a command line as a shell does, up to where another command or a
// comment begins.
func words(line string) (out []string) {
	word, quote, open := "", rune(0), false
	flush := func() {
		if open {
			out = append(out, word)
		}
		word, open = "", false
	}
	for _, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
				continue
			}
			word += string(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == ' ':
			flush()
		case strings.ContainsRune("|;&><#", c) && (!open || c != '#'):
			if len(out) > 0 && out[len(out)-1] == "completion" {
				word += string(c) // bash|zsh: a choice
				continue
			}
			flush()
			return out
		default:
			word, open = word+string(c), true
		}
	}
	flush()
	return out
}

var (
	linkTo  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

func TestDocumentedLinksLead(t *testing.T) {
	all := pages(t)
	links := 0
	for name, text := range all {
		for _, m := range linkTo.FindAllStringSubmatch(withoutBlocks(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(m[1], "#")
			to := name
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			}
			if _, err := os.Stat(filepath.Join("..", "..", to)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
				continue
			}
			if page, known := all[to]; known && anchor != "" && !slices.Contains(anchors(page), anchor) {
				t.Errorf("%s: the link %s leads to a section that is not there", name, m[1])
			}
		}
	}
	if links < 60 {
		t.Errorf("only %d links were found", links)
	}
}

// A page of docs that nothing leads to is not found by readers.
func TestEveryPageIsLinked(t *testing.T) {
	all := pages(t)
	linked := map[string]bool{"README.md": true}
	for name, text := range all {
		for _, m := range linkTo.FindAllStringSubmatch(text, -1) {
			file, _, _ := strings.Cut(m[1], "#")
			linked[filepath.ToSlash(filepath.Join(filepath.Dir(name), file))] = true
		}
	}
	for name := range all {
		if !linked[name] {
			t.Errorf("no page has a link to %s", name)
		}
	}
}

// withoutBlocks is a page without its code.
func withoutBlocks(text string) string {
	parts := fence.Split(text, -1)
	var out strings.Builder
	for i := 0; i < len(parts); i += 2 {
		out.WriteString(parts[i])
	}
	return out.String()
}

// anchors are the names of the sections of a page, as GitHub makes them.
func anchors(text string) (out []string) {
	for _, m := range heading.FindAllStringSubmatch(withoutBlocks(text), -1) {
		name := strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c > 127:
				return c
			}
			return -1
		}, strings.ToLower(m[1]))
		out = append(out, name)
	}
	return out
}
