// Command emptyrules writes copies of Go files in which the bodies of all lint rules are empty, and an
// overlay for go build and go test that puts them in the place of the files.
//
//	emptyrules FOLDER COPIES >overlay.json
//
// A rule is a composite literal with a field Code that is a string; its body is the field Check or Stage. The
// codes of the rules emptied go to standard error, one a line.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: emptyrules FOLDER COPIES")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, copies string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	replace := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		emptied, err := empty(data)
		if err != nil {
			return err
		}
		if string(emptied) == string(data) {
			continue
		}
		to := filepath.Join(copies, filepath.Base(name))
		if err := os.WriteFile(to, emptied, 0o644); err != nil {
			return err
		}
		replace[name] = to
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"Replace": replace})
}

// empty puts a return in front of each body. What was there stays behind it, so that everything
// is still used and the file compiles.
func empty(data []byte) ([]byte, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", data, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	type insertion struct {
		at   int
		text string
	}
	var in []insertion
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		fields := map[string]ast.Expr{}
		for _, e := range literal.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if name, ok := kv.Key.(*ast.Ident); ok {
					fields[name.Name] = kv.Value
				}
			}
		}
		code, ok := fields["Code"].(*ast.BasicLit)
		if !ok {
			return true
		}
		for name, form := range map[string][2]string{
			"Check": {"func(p *lint.Pass) { return; (", ")(p) }"},
			"Stage": {"func(p *lint.Pass, s *lint.Stage) { return; (", ")(p, s) }"},
		} {
			if body := fields[name]; body != nil {
				in = append(in, insertion{set.Position(body.Pos()).Offset, form[0]}, insertion{set.Position(body.End()).Offset, form[1]})
				if s, err := strconv.Unquote(code.Value); err == nil {
					fmt.Fprintln(os.Stderr, s)
				}
			}
		}
		return true
	})
	slices.SortFunc(in, func(a, b insertion) int { return b.at - a.at })
	out := string(data)
	for _, i := range in {
		out = out[:i.at] + i.text + out[i.at:]
	}
	return []byte(out), nil
}
