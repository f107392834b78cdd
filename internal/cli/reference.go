package cli

// The pages of docs/reference are made of what the program itself goes by: the
// tree of commands, the exit codes and the schema of the files. A test fails
// when a page is not what Reference gives, so they cannot fall behind.

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

const generatedNote = "<!-- Generated from the program: go test ./internal/cli -run Reference -update -->\n\n"

// Reference gives the pages of docs/reference as Markdown, by file name. They
// are the same on every machine. An error means that the schema of the
// catalog's files cannot be read.
func Reference() (map[string]string, error) {
	config, err := configPage()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"commands.md":   generatedNote + commandsPage(),
		"config.md":     generatedNote + config,
		"exit-codes.md": generatedNote + exitCodesPage(),
	}, nil
}

// machineDefaults are defaults that differ from machine to machine, in words.
func machineDefaults() map[string]string {
	return map[string]string{"jobs": "one for each processor, at least 2"}
}

func commandsPage() string {
	root := (&app{out: io.Discard, err: io.Discard, now: time.Now}).root()
	var b strings.Builder
	b.WriteString("# Commands\n\n" + strings.TrimSpace(root.Long) + "\n\n")
	var commands []*cobra.Command
	for _, c := range root.Commands() { // by name
		if c.IsAvailableCommand() {
			commands = append(commands, c)
			fmt.Fprintf(&b, "- [plinth %s](#plinth-%s): %s\n", c.Name(), c.Name(), c.Short)
		}
	}
	b.WriteString("\n`plinth completion bash|zsh|fish|powershell` prints a script that completes commands, flags and names of targets.\n")
	b.WriteString("\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	for _, c := range commands {
		fmt.Fprintf(&b, "\n## plinth %s\n\n```text\n%s\n```\n\n%s\n", c.Name(), strings.TrimSuffix(c.UseLine(), " [flags]"), prose(c))
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", unindent(c.Example))
		}
		if c.LocalNonPersistentFlags().HasAvailableFlags() {
			b.WriteString("\n")
			flagTable(&b, c.LocalNonPersistentFlags())
		}
	}
	return b.String()
}

// prose is the long help; lines that are indented in it become a code block.
func prose(c *cobra.Command) string {
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	var out []string
	inCode := false
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if code := strings.HasPrefix(l, "  "); code != inCode && l != "" {
			out = append(out, map[bool]string{true: "```text", false: "```"}[code])
			inCode = code
		}
		out = append(out, strings.TrimPrefix(l, "  "))
	}
	if inCode {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func unindent(s string) string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		out = append(out, strings.TrimPrefix(l, "  "))
	}
	return strings.Join(out, "\n")
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		_, usage := pflag.UnquoteUsage(f)
		switch words, ok := machineDefaults()[f.Name]; {
		case ok:
			usage += " (default: " + words + ")"
		case f.DefValue != "" && f.DefValue != "false":
			usage += " (default: " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| %s | %s |\n", name, cell(usage))
	})
}

// cell is text that a table of Markdown can hold.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }

// exitCodes are all exit codes, in the order in which they are told.
func exitCodes() []struct {
	code    diag.ExitCode
	meaning string
} {
	return []struct {
		code    diag.ExitCode
		meaning string
	}{
		{diag.ExitOK, "Everything that was asked for is done."},
		{diag.ExitError, "Something could not be done: a mistake in the catalog, a lock that lacks something, a build that failed, a machine that `plinth doctor` finds unfit."},
		{diag.ExitFindings, "`plinth update --check` found that something moved."},
		{diag.ExitTests, "Tests of images failed. Not used yet."},
		{diag.ExitPartial, "`plinth build --keep-going` built a part: some targets failed, others are done."},
		{diag.ExitUsage, "The command line is wrong: an unknown command or flag, a selector that names nothing."},
		{diag.ExitInterrupted, "Interrupted (SIGINT, Ctrl-C). What is finished is kept."},
		{diag.ExitTerminated, "Terminated (SIGTERM). What is finished is kept."},
	}
}

func exitCodesPage() string {
	var b strings.Builder
	b.WriteString("# Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, c := range exitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", c.code, c.meaning)
	}
	b.WriteString("\nWhen several apply, the first of " + precedence() + " counts.\n" +
		"Errors are printed on standard error, each with its place and a hint; results are printed on standard output.\n")
	return b.String()
}

// precedence finds the order of the codes by asking diag.Code for each pair.
func precedence() string {
	var codes []diag.ExitCode
	for _, c := range exitCodes() {
		if c.code != diag.ExitOK {
			codes = append(codes, c.code)
		}
	}
	slices.SortFunc(codes, func(a, b diag.ExitCode) int {
		var l diag.List
		for _, c := range []diag.ExitCode{a, b} {
			l.Add((&diag.Error{Msg: fmt.Sprint(c)}).WithCode(c))
		}
		if diag.Code(l.Err()) == a {
			return -1
		}
		return 1
	})
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = fmt.Sprint(c)
	}
	return strings.Join(words, ", ")
}

// schema is what of a JSON Schema the page shows.
type schema struct {
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Required    []string          `json:"required"`
	Properties  orderedProperties `json:"properties"`
	Items       *schema           `json:"items"`
	Additional  *schema           `json:"-"` // of an object with free keys
	AnyOf       []schema          `json:"anyOf"`
	Defs        map[string]schema `json:"$defs"`
}

// UnmarshalJSON implements json.Unmarshaler: additionalProperties is a schema or false.
func (s *schema) UnmarshalJSON(data []byte) error {
	type plain schema
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	var more struct {
		Additional json.RawMessage `json:"additionalProperties"`
	}
	if err := json.Unmarshal(data, &more); err != nil {
		return err
	}
	if len(more.Additional) > 0 && more.Additional[0] == '{' {
		s.Additional = new(schema)
		return json.Unmarshal(more.Additional, s.Additional)
	}
	return nil
}

// orderedProperties keeps the keys in the order of the schema.
type orderedProperties []property

type property struct {
	name string
	schema
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *orderedProperties) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		p := property{name: fmt.Sprint(key)}
		if err := dec.Decode(&p.schema); err != nil {
			return err
		}
		*o = append(*o, p)
	}
	return nil
}

func configPage() (string, error) {
	data, err := catalog.Schema()
	if err != nil {
		return "", err
	}
	var all schema
	if err := json.Unmarshal(data, &all); err != nil {
		return "", fmt.Errorf("cannot read the schema: %w", err)
	}
	var b strings.Builder
	b.WriteString("# Files of a catalog\n\n`plinth schema` prints the JSON Schema of both files, for editors. The pages\n" +
		"[catalog](../catalog.md) and [package images](../package-images.md) explain them with examples.\n")
	for _, file := range []string{catalog.ConfigFile, catalog.ImageFile} {
		def := all.Defs[file]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", file, def.Description)
		b.WriteString("| key | value | meaning |\n|---|---|---|\n")
		def.rows(&b, "")
	}
	return b.String(), nil
}

// rows prints a row for each key, and for the keys below it.
func (s schema) rows(b *strings.Builder, prefix string) {
	for _, p := range s.Properties {
		meaning := p.Description
		if slices.Contains(s.Required, p.name) {
			meaning = "Required. " + meaning
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", prefix, p.name, cell(p.kind()), cell(meaning))
		below, mark := p.schema, "."
		for below.Items != nil || below.Additional != nil {
			if below.Items != nil {
				below, mark = *below.Items, "[]"+mark
			} else {
				below, mark = *below.Additional, ".*"+mark
			}
		}
		below.rows(b, prefix+p.name+mark)
	}
}

// kind is the type of a value in words.
func (s schema) kind() string {
	switch {
	case len(s.Enum) > 0:
		return "`" + strings.Join(s.Enum, "`, `") + "`"
	case len(s.AnyOf) > 0:
		return "text or number"
	case s.Items != nil && len(s.Items.Properties) > 0:
		return "list"
	case s.Items != nil:
		return "list of " + s.Items.kind()
	case s.Additional != nil && len(s.Additional.Properties) > 0:
		return "map"
	case s.Additional != nil:
		return "map to " + s.Additional.kind()
	}
	return map[string]string{"string": "text", "boolean": "true/false", "object": "map"}[s.Type]
}
