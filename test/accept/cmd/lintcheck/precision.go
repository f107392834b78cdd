package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A spot is where a rule finds something: all that it finds on one line of a file is judged together.
type spot struct {
	hash string // of the file's content: the first 16 hex digits of its SHA-256
	line int
	rule string
}

// A drawn spot, with what one needs to read it in its file.
type drawn struct {
	spot
	file, message string
	rank          [32]byte
}

// families in the order in which they are reported.
var families = []string{"hadolint", "buildkit", "security", "practice", "shell"}

// familyOf tells a rule's family by its code.
func familyOf(rule string) string {
	switch {
	case strings.HasPrefix(rule, "DL"):
		return "hadolint"
	case strings.HasPrefix(rule, "SC"):
		return "shell"
	case strings.HasPrefix(rule, "PL1"):
		return "security"
	case strings.HasPrefix(rule, "PL") && strings.IndexFunc(rule[2:], unicode.IsLetter) < 0:
		return "practice"
	}
	return "buildkit"
}

// draw takes count spots of each family (all, if there are fewer) from lists of findings. The order is that
// of a hash over seed and spot, so a rule that finds less does not change which other spots are drawn first.
func draw(seed string, count int, lists []string) (map[string][]drawn, error) {
	hashes := map[string]string{}
	seen := map[spot]bool{}
	all := map[string][]drawn{}
	for _, name := range lists {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var list []struct {
			File, Rule, Message string
			Line                int
		}
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, f := range list {
			if hashes[f.File] == "" {
				content, err := os.ReadFile(f.File)
				if err != nil {
					return nil, err
				}
				sum := sha256.Sum256(content)
				hashes[f.File] = hex.EncodeToString(sum[:8])
			}
			s := spot{hashes[f.File], f.Line, f.Rule}
			if seen[s] {
				continue
			}
			seen[s] = true
			rank := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%s", seed, s.hash, s.line, s.rule))
			all[familyOf(f.Rule)] = append(all[familyOf(f.Rule)], drawn{s, f.File, f.Message, rank})
		}
	}
	for family, list := range all {
		slices.SortFunc(list, func(a, b drawn) int { return slices.Compare(a.rank[:], b.rank[:]) })
		all[family] = list[:min(count, len(list))]
	}
	return all, nil
}

// showDrawn prints what is drawn: family, hash, line, rule, file and message, with tabs between.
func showDrawn(seed string, count int, lists []string) (bad int) {
	all, err := draw(seed, count, lists)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, family := range families {
		for _, d := range all[family] {
			fmt.Printf("%s\t%s\t%d\t%s\t%s\t%s\n", family, d.hash, d.line, d.rule, d.file, d.message)
		}
	}
	return 0
}

// judged counts families of which more than 2 % of what is drawn is wrong, or is not judged.
func judged(verdicts, seed string, count int, lists []string) (bad int) {
	data, err := os.ReadFile(verdicts)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	right := map[spot]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 || (f[3] != "right" && f[3] != "wrong") || strings.TrimSpace(f[4]) == "" {
			fmt.Printf("%s:%d: not hash, line, rule, right or wrong, and a reason\n", verdicts, i+1)
			bad++
			continue
		}
		n, err := strconv.Atoi(f[1])
		s := spot{f[0], n, f[2]}
		if _, twice := right[s]; twice || err != nil {
			fmt.Printf("%s:%d: a second verdict, or no line number\n", verdicts, i+1)
			bad++
		}
		right[s] = f[3] == "right"
	}
	all, err := draw(seed, count, lists)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var figures []string
	for _, family := range families {
		var wrong, missing int
		slices.SortFunc(all[family], func(a, b drawn) int {
			return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
		})
		for _, d := range all[family] {
			ok, known := right[d.spot]
			switch {
			case !known:
				missing++
				fmt.Printf("not judged: %s\t%d\t%s (%s)\n", d.hash, d.line, d.rule, d.file)
			case !ok:
				wrong++
			}
		}
		n := len(all[family])
		if missing > 0 || wrong*50 > n || n == 0 {
			bad++
		}
		figures = append(figures, fmt.Sprintf("%s %d of %d wrong", family, wrong, n))
	}
	fmt.Println("FIGURE " + strings.Join(figures, ", "))
	return bad
}
