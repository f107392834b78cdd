// Package lsp is a language server for Dockerfiles: the findings of plinth lint while
// somebody types, what a rule means, the names of the catalog's images after FROM, and
// fixes at a key's press.
//
//	err := lsp.Serve(ctx, os.Stdin, os.Stdout, workspace)
//
// It speaks the Language Server Protocol 3.17 over one connection and answers in the order in which it is
// asked. A change of a file is looked at together with the open files that stand on
// it. Nothing is written: an editor applies the changes.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/plinth-build/plinth/internal/lint"
)

// Workspace is what the server knows of the files. Paths are absolute. Its methods are called one
// at a time.
type Workspace interface {
	// Open is called with each new text of a file that is open in the editor.
	Open(path, text string)
	// Close is called when a file is not open any more: what counts is the one on the disk.
	Close(path string)
	// Check gives the findings of an open file in their order.
	Check(path string) []*lint.Finding
	// Dependents are the other files whose findings may change with one.
	Dependents(path string) []string
	// Images are the images that FROM can name in a file.
	Images(path string) []Image
	// Explain is what a rule is for, in Markdown.
	Explain(r *lint.Rule) string
}

// Image is an image of the catalog.
type Image struct {
	Ref         string // as FROM names it
	Title       string
	Description string // Markdown
}

// Serve answers an editor until it says exit, the streams end, or the context does. An error is one
// of the connection, or that the editor left without saying so.
func Serve(ctx context.Context, version string, in io.Reader, out io.Writer, w Workspace) error {
	s := &server{workspace: w, version: version, docs: map[string]*document{}, done: make(chan struct{})}
	stream := jsonrpc2.NewBufferedStream(pipe{in, out}, jsonrpc2.VSCodeObjectCodec{})
	conn := jsonrpc2.NewConn(ctx, stream, jsonrpc2.HandlerWithError(s.handle).SuppressErrClosed())
	defer conn.Close() //nolint:errcheck // the streams are the caller's
	select {
	case <-conn.DisconnectNotify():
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !s.shutdown {
		return errors.New("the editor ended the connection without shutdown")
	}
	return nil
}

// pipe is the two streams as one.
type pipe struct {
	io.Reader
	io.Writer
}

// Close implements io.Closer.
func (pipe) Close() error { return nil }

type server struct {
	workspace Workspace
	version   string
	docs      map[string]*document // by path
	shutdown  bool
	done      chan struct{}
}

func (s *server) handle(ctx context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
	handlers := map[string]func(context.Context, *jsonrpc2.Conn, *json.RawMessage) (any, error){
		"initialize":                       s.initialize,
		"shutdown":                         s.end,
		"textDocument/didOpen":             s.didOpen,
		"textDocument/didChange":           s.didChange,
		"textDocument/didClose":            s.didClose,
		"textDocument/hover":               s.hover,
		"textDocument/completion":          s.completion,
		"textDocument/codeAction":          s.codeAction,
		"textDocument/didSave":             ignored,
		"initialized":                      ignored,
		"$/cancelRequest":                  ignored,
		"$/setTrace":                       ignored,
		"workspace/didChangeWatchedFiles":  ignored,
		"workspace/didChangeConfiguration": ignored,
	}
	if r.Method == "exit" {
		close(s.done)
		return nil, nil
	}
	h, ok := handlers[r.Method]
	if !ok {
		if r.Notif {
			return nil, nil
		}
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "cannot answer " + r.Method}
	}
	return h(ctx, conn, r.Params)
}

// ignored takes a message that needs no answer.
func ignored(context.Context, *jsonrpc2.Conn, *json.RawMessage) (any, error) { return nil, nil }

func (s *server) initialize(context.Context, *jsonrpc2.Conn, *json.RawMessage) (any, error) {
	return initializeResult{
		Capabilities: capabilities{
			TextDocumentSync:   syncOptions{OpenClose: true, Change: syncIncremental, Save: true},
			HoverProvider:      true,
			CompletionProvider: completionOptions{TriggerCharacters: []string{" ", "/", "="}},
			CodeActionProvider: codeActionOptions{CodeActionKinds: []string{"quickfix", "source.fixAll"}},
		},
		ServerInfo: serverInfo{Name: "plinth", Version: s.version},
	}, nil
}

func (s *server) end(context.Context, *jsonrpc2.Conn, *json.RawMessage) (any, error) {
	s.shutdown = true
	return nil, nil
}

func (s *server) didOpen(ctx context.Context, conn *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	p, err := decode[openParams](raw)
	if err != nil {
		return nil, err
	}
	path := filePath(p.TextDocument.URI)
	if path == "" {
		return nil, nil
	}
	version := p.TextDocument.Version
	s.docs[path] = &document{uri: p.TextDocument.URI, path: path, version: &version, text: p.TextDocument.Text}
	return nil, s.changed(ctx, conn, path)
}

func (s *server) didChange(ctx context.Context, conn *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	p, err := decode[changeParams](raw)
	if err != nil {
		return nil, err
	}
	d := s.docs[filePath(p.TextDocument.URI)]
	if d == nil {
		return nil, nil
	}
	d.version = p.TextDocument.Version
	d.apply(p.ContentChanges)
	return nil, s.changed(ctx, conn, d.path)
}

func (s *server) didClose(ctx context.Context, conn *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	p, err := decode[documentParams](raw)
	if err != nil {
		return nil, err
	}
	path := filePath(p.TextDocument.URI)
	if s.docs[path] == nil {
		return nil, nil
	}
	delete(s.docs, path)
	s.workspace.Close(path)
	return nil, conn.Notify(ctx, "textDocument/publishDiagnostics", publishParams{URI: p.TextDocument.URI, Diagnostics: []diagnostic{}})
}

// changed tells the workspace of a new text, and the editor what is found now.
func (s *server) changed(ctx context.Context, conn *jsonrpc2.Conn, path string) error {
	s.workspace.Open(path, s.docs[path].text)
	if err := s.publish(ctx, conn, s.docs[path]); err != nil {
		return err
	}
	for _, other := range s.workspace.Dependents(path) {
		if d := s.docs[other]; d != nil && other != path {
			if err := s.publish(ctx, conn, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) publish(ctx context.Context, conn *jsonrpc2.Conn, d *document) error {
	d.findings = s.workspace.Check(d.path)
	p := publishParams{URI: d.uri, Version: d.version, Diagnostics: []diagnostic{}}
	for _, f := range d.findings {
		p.Diagnostics = append(p.Diagnostics, d.diagnostic(f))
	}
	return conn.Notify(ctx, "textDocument/publishDiagnostics", p)
}

func (d *document) diagnostic(f *lint.Finding) diagnostic {
	out := diagnostic{Range: d.span(f.Span), Severity: severity(f.Severity), Code: f.Rule.Code, Source: "plinth", Message: f.Message}
	if f.Rule.Source != "" {
		out.CodeDescription = &codeDescription{f.Rule.Source}
	}
	if len(f.Targets) > 0 {
		out.Message += " (in " + strings.Join(f.Targets, ", ") + ")"
	}
	return out
}

// severity is the protocol's number: 1 is an error, 4 is a hint.
func severity(s lint.Severity) int {
	switch s {
	case lint.Error:
		return 1
	case lint.Warning:
		return 2
	case lint.Info:
		return 3
	}
	return 4
}

func (s *server) hover(_ context.Context, _ *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	p, err := decode[positionParams](raw)
	if err != nil {
		return nil, err
	}
	d := s.docs[filePath(p.TextDocument.URI)]
	if d == nil {
		return nil, nil
	}
	at := d.offset(p.Position)
	var parts []string
	var in *textRange
	if word, from, ok := d.imageAt(at); ok {
		for _, i := range s.workspace.Images(d.path) {
			if i.Ref == word {
				r := d.span(lint.Span{From: from, To: from + len(word)})
				in = &r
				parts = append(parts, "**"+i.Title+"**\n\n"+i.Description)
			}
		}
	}
	for _, f := range d.findings {
		if f.Span.From <= at && at <= f.Span.To {
			if in == nil {
				r := d.span(f.Span)
				in = &r
			}
			parts = append(parts, s.workspace.Explain(f.Rule))
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return hover{Contents: markup{"markdown", strings.Join(parts, "\n\n---\n\n")}, Range: in}, nil
}

// imageAt is the word that names an image and that a byte is in.
func (d *document) imageAt(at int) (word string, from int, ok bool) {
	isBlank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '=' || c == ',' }
	from, to := at, at
	for from > 0 && !isBlank(d.text[from-1]) {
		from--
	}
	for to < len(d.text) && !isBlank(d.text[to]) {
		to++
	}
	return d.text[from:to], from, namesImage(d.lineUpTo(from))
}

// namesImage says whether what follows on a line is the name of an image: behind FROM and its flags, and
// behind --from= and from= of a mount.
func namesImage(before string) bool {
	fields := strings.Fields(before)
	if len(fields) == 0 {
		return false
	}
	if strings.EqualFold(fields[0], "FROM") {
		return !slices.ContainsFunc(fields[1:], func(w string) bool { return !strings.HasPrefix(w, "--") }) && strings.TrimRight(before, " \t") != before
	}
	last := fields[len(fields)-1]
	return strings.HasPrefix(last, "--from=") || strings.HasPrefix(last, "--mount=") && (strings.HasSuffix(last, ",from=") || strings.HasSuffix(last, "=from="))
}

func (s *server) completion(_ context.Context, _ *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	items := []completionItem{}
	p, err := decode[positionParams](raw)
	if err != nil {
		return nil, err
	}
	d := s.docs[filePath(p.TextDocument.URI)]
	if d == nil {
		return items, nil
	}
	at := d.offset(p.Position)
	_, from, ok := d.imageAt(at)
	if !ok {
		return items, nil
	}
	for _, i := range s.workspace.Images(d.path) {
		item := completionItem{
			Label: i.Ref, Kind: completionModule, Detail: i.Title,
			TextEdit: &textEdit{Range: d.span(lint.Span{From: from, To: at}), NewText: i.Ref},
		}
		if i.Description != "" {
			item.Documentation = &markup{"markdown", i.Description}
		}
		items = append(items, item)
	}
	return items, nil
}

func (s *server) codeAction(_ context.Context, _ *jsonrpc2.Conn, raw *json.RawMessage) (any, error) {
	actions := []codeAction{}
	p, err := decode[codeActionParams](raw)
	if err != nil {
		return nil, err
	}
	d := s.docs[filePath(p.TextDocument.URI)]
	if d == nil {
		return actions, nil
	}
	from, to := d.offset(p.Range.Start), d.offset(p.Range.End)
	var fixable []*lint.Finding
	for _, f := range d.findings {
		if f.Fix != nil {
			fixable = append(fixable, f)
		}
		if f.Span.From > to || f.Span.To < from {
			continue
		}
		if f.Fix != nil {
			actions = append(actions, codeAction{
				Title: f.Fix.Title, Kind: "quickfix", IsPreferred: true, Diagnostics: []diagnostic{d.diagnostic(f)}, Edit: d.edit(f.Fix.Edits),
			})
		}
		actions = append(actions, d.ignore(f))
	}
	if len(fixable) > 0 {
		whole := lint.Span{To: len(d.text)}
		actions = append(actions, codeAction{
			Title: fmt.Sprintf("fix all that can be fixed in this file (%d)", len(fixable)), Kind: "source.fixAll",
			Edit: d.edit([]lint.Edit{{Span: whole, Text: string(lint.Fixed([]byte(d.text), fixable))}}),
		})
	}
	return actions, nil
}

// ignore is the action that writes a comment above an instruction, which switches a rule off for it.
func (d *document) ignore(f *lint.Finding) codeAction {
	at := f.Span.From
	if start, ok := f.InstructionStart(); ok {
		at = start
	}
	at = strings.LastIndexByte(d.text[:at], '\n') + 1
	indent := d.text[at : at+len(d.text[at:])-len(strings.TrimLeft(d.text[at:], " \t"))]
	return codeAction{
		Title: "ignore " + f.Rule.Code + " here", Kind: "quickfix", Diagnostics: []diagnostic{d.diagnostic(f)},
		Edit: d.edit([]lint.Edit{{Span: lint.Span{From: at, To: at}, Text: indent + "# plinth ignore=" + f.Rule.Code + "\n"}}),
	}
}

func (d *document) edit(edits []lint.Edit) *workspaceEdit {
	var out []textEdit
	for _, e := range edits {
		out = append(out, textEdit{Range: d.span(e.Span), NewText: e.Text})
	}
	return &workspaceEdit{Changes: map[string][]textEdit{d.uri: out}}
}
