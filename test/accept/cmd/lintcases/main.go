// Command lintcases runs plinth lint with the profile hadolint over small Dockerfiles of which it is known from hadolint's
// documentation what hadolint reports on which lines.
//
//	lintcases PLINTH FOLDER WORK
//
// Each FOLDER/*.txt has cases. A case begins with a line that says which rule reports which lines, none where there is
// no number, and after a # where that is known from; then come lines of a .hadolint.yaml, if there is one, each behind a bar
// and a blank; then the Dockerfile:
//
//	== DL3026: 2 # wiki
//	| trustedRegistries: [example.com]
//	FROM example.com/a
//	FROM example.org/b
//
// What other rules report does not matter. WORK is a folder for the files.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

type testCase struct {
	at     string // file:line
	rule   string
	lines  []int
	config string
	text   string
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: lintcases PLINTH FOLDER WORK")
		os.Exit(64)
	}
	differ, err := run(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Println(err)
	}
	if err != nil || differ {
		os.Exit(1)
	}
}

func run(plinth, folder, work string) (differ bool, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return false, err
	}
	var cases []testCase
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return false, err
		}
		list, err := read(f, string(data))
		if err != nil {
			return false, err
		}
		cases = append(cases, list...)
	}
	byConfig := map[string][]testCase{}
	for _, c := range cases {
		byConfig[c.config] = append(byConfig[c.config], c)
	}
	bad, rules := 0, map[string]bool{}
	for n, config := range slices.Sorted(maps.Keys(byConfig)) {
		found, err := lint(plinth, filepath.Join(work, strconv.Itoa(n)), config, byConfig[config])
		if err != nil {
			return false, err
		}
		for i, c := range byConfig[config] {
			rules[c.rule] = true
			if !slices.Equal(found[i], c.lines) {
				bad++
				fmt.Printf("%s: %s in lines %v, want %v\n%s\n", c.at, c.rule, found[i], c.lines, c.text)
			}
		}
	}
	if len(cases) == 0 {
		return false, errors.New("no cases")
	}
	fmt.Printf("FIGURE %d of %d cases of %d rules as documented\n", len(cases)-bad, len(cases), len(rules))
	return bad > 0, nil
}

// read takes a file of cases apart.
func read(name, data string) (out []testCase, err error) {
	for i, line := range strings.SplitAfter(data, "\n") {
		at := fmt.Sprintf("%s:%d", filepath.Base(name), i+1)
		if head, ok := strings.CutPrefix(line, "== "); ok {
			head, _, _ = strings.Cut(head, "#")
			rule, lines, ok := strings.Cut(head, ":")
			if !ok {
				return nil, fmt.Errorf("%s: no rule", at)
			}
			c := testCase{at: at, rule: rule}
			for _, f := range strings.FieldsFunc(lines, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
				n, err := strconv.Atoi(f)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", at, err)
				}
				c.lines = append(c.lines, n)
			}
			out = append(out, c)
			continue
		}
		if len(out) == 0 {
			if strings.TrimSpace(line) == "" {
				continue
			}
			return nil, fmt.Errorf("%s: text before the first case", at)
		}
		last := &out[len(out)-1]
		if config, ok := strings.CutPrefix(line, "| "); ok && last.text == "" {
			last.config += config
		} else {
			last.text += line
		}
	}
	return out, nil
}

// lint gives the lines in which each case's rule reports something.
func lint(plinth, dir, config string, cases []testCase) ([][]int, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(dir, ".hadolint.yaml"), []byte(config), 0o644); err != nil {
			return nil, err
		}
	}
	args := []string{"lint", "--no-shellcheck", "--profile", "hadolint", "--format", "json"}
	index := map[string]int{}
	for i, c := range cases {
		name := fmt.Sprintf("%d.Dockerfile", i)
		index[name] = i
		args = append(args, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(plinth, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 2) {
		return nil, err
	}
	var findings []struct {
		File, Rule string
		Line       int
	}
	if err := json.Unmarshal(out, &findings); err != nil {
		return nil, err
	}
	found := make([][]int, len(cases))
	for _, f := range findings {
		if i := index[f.File]; f.Rule == cases[i].rule && !slices.Contains(found[i], f.Line) {
			found[i] = append(found[i], f.Line)
		}
	}
	return found, nil
}
