// Command lintcheck checks what plinth lint made of many Dockerfiles, with BuildKit's own parser. The
// names of the files come on standard input, one a line.
//
//	lintcheck parses FINDINGS.json      no file that the parser takes has a finding that says that it cannot be split
//	lintcheck fixed FOLDER COPY         the files, which are in COPY, parse as those in FOLDER do, and differ from
//	                                    them only in lines of instructions
//
// Without standard input, it looks at each fix alone:
//
//	lintcheck each FINDINGS.json FOLDER             writes a file for each fix, and prints their names
//	lintcheck mended FINDINGS.json FOLDER AFTER.json  each does what it should; AFTER has the findings of those files
//
// Or it draws findings of each family of rules, for somebody to read in their files:
//
//	lintcheck draw SEED COUNT FINDINGS.json…               what is drawn
//	lintcheck judged VERDICTS.tsv SEED COUNT FINDINGS.json…  each of them has a verdict, and at most 2 % of a family are wrong
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: lintcheck parses FINDINGS | fixed FOLDER COPY | each FINDINGS FOLDER | mended FINDINGS FOLDER AFTER | draw SEED COUNT FINDINGS… | judged VERDICTS SEED COUNT FINDINGS…")
		os.Exit(64)
	}
	if args := os.Args[2:]; os.Args[1] == "each" && len(args) == 2 {
		os.Exit(min(1, each(args[0], args[1])))
	} else if os.Args[1] == "mended" && len(args) == 3 {
		os.Exit(min(1, mended(args[0], args[1], args[2])))
	} else if os.Args[1] == "draw" && len(args) > 2 {
		os.Exit(min(1, showDrawn(args[0], number(args[1]), args[2:])))
	} else if os.Args[1] == "judged" && len(args) > 3 {
		os.Exit(min(1, judged(args[0], args[1], number(args[2]), args[3:])))
	}
	var files []string
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		files = append(files, in.Text())
	}
	var bad int
	switch {
	case len(files) == 0:
		fmt.Println("no files")
		bad = 1
	case os.Args[1] == "parses":
		bad = parses(files, os.Args[2])
	case os.Args[1] == "fixed" && len(os.Args) == 4:
		bad = fixed(files, os.Args[2], os.Args[3])
	default:
		bad = 1
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// number is a count from the command line.
func number(arg string) int {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		fmt.Fprintln(os.Stderr, "not a count: "+arg)
		os.Exit(64)
	}
	return n
}

// tree describes a file as BuildKit's parser has it, "" if it refuses it.
func tree(data []byte) string {
	r, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return ""
	}
	return r.AST.Dump()
}

// parses counts files that BuildKit's parser takes and that plinth says it cannot split.
func parses(files []string, findings string) (bad int) {
	data, err := os.ReadFile(findings)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var list []struct{ File, Rule, Message string }
	if err := json.Unmarshal(data, &list); err != nil {
		fmt.Println(err)
		return 1
	}
	refused := map[string]string{}
	for _, f := range list {
		// a file that splits may still be one that cannot be built: that is no refusal
		if f.Rule == "PL0001" {
			refused[f.File] = f.Message
		}
	}
	splitErrors := []string{"unterminated heredoc", "parser directive can be used", "invalid escape token", "file with no instructions"}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			fmt.Println(err)
			bad++
			continue
		}
		dump := tree(data)
		for _, e := range splitErrors {
			if dump != "" && strings.Contains(refused[f], e) {
				fmt.Printf("%s: %s\n", f, refused[f])
				bad++
			}
		}
		if dump == "" && refused[f] == "" {
			fmt.Printf("%s: BuildKit refuses it, and nothing is said\n", f)
			bad++
		}
	}
	return bad
}

// fixed counts mended files that do not parse any more, or whose comments changed.
func fixed(files []string, from, to string) (bad int) {
	for _, f := range files {
		rel, err := filepath.Rel(to, f)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		before, err := os.ReadFile(filepath.Join(from, rel))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		after, err := os.ReadFile(f)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		was := tree(before)
		is := tree(after)
		switch {
		case was != "" && is == "":
			fmt.Printf("%s: it does not parse any more\n", rel)
			bad++
		case comments(before) != comments(after):
			fmt.Printf("%s: comments changed\n", rel)
			bad++
		case bytes.Count(before, []byte("\r\n")) > 0 && bytes.Count(after, []byte("\r\n")) < bytes.Count(before, []byte("\r\n"))/2:
			fmt.Printf("%s: line ends changed\n", rel)
			bad++
		}
	}
	return bad
}

// comments are the comment lines of a file.
func comments(data []byte) string {
	var out []string
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}
