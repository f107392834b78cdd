package lsp

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
)

// fakeWorkspace reports each "sudo", with a fix that takes it away, and knows one child.
type fakeWorkspace struct {
	texts map[string]string
}

var sudoRule = &lint.Rule{Code: "X1", Severity: lint.Error, Source: "https://example.com/X1"}

func (w *fakeWorkspace) Open(path, text string) { w.texts[path] = text }
func (w *fakeWorkspace) Close(path string)      { delete(w.texts, path) }

func (w *fakeWorkspace) Check(path string) []*lint.Finding {
	rule := *sudoRule
	rule.Check = func(p *lint.Pass) {
		text := string(p.File.Data)
		for at := 0; ; at++ {
			i := strings.Index(text[at:], "sudo ")
			if i < 0 {
				return
			}
			at += i
			span := lint.Span{From: at, To: at + len("sudo ")}
			p.Report(span, "sudo is used").WithFix("remove sudo", lint.Edit{Span: span})
		}
	}
	return rule.Findings(lint.NewDoc(syntax.Parse(path, []byte(w.texts[path])), nil, nil, nil))
}

func (w *fakeWorkspace) Dependents(path string) []string {
	if strings.HasSuffix(path, "parent/Dockerfile") {
		return []string{"/c/child/Dockerfile"}
	}
	return nil
}

func (w *fakeWorkspace) Images(string) []Image {
	return []Image{{Ref: "r.example/base/java", Title: "Java", Description: "A JRE."}}
}

func (w *fakeWorkspace) Explain(r *lint.Rule) string { return "about " + r.Code }

// client is an editor.
type client struct {
	*testing.T
	conn      *jsonrpc2.Conn
	published chan publishParams
	served    chan error
}

func (c *client) Handle(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) {
	p, err := decode[publishParams](r.Params)
	if err != nil || r.Method != "textDocument/publishDiagnostics" {
		c.Errorf("the server sent %s, %v", r.Method, err)
	}
	c.published <- p
}

type duplex struct {
	io.Reader
	io.WriteCloser
}

func newClient(t *testing.T, w Workspace) *client {
	t.Helper()
	c := &client{T: t, published: make(chan publishParams, 10), served: make(chan error, 1)}
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	go func() {
		c.served <- Serve(t.Context(), "1.2.3", toServer, fromServer, w)
		fromServer.Close()
	}()
	stream := jsonrpc2.NewBufferedStream(duplex{toClient, fromClient}, jsonrpc2.VSCodeObjectCodec{})
	c.conn = jsonrpc2.NewConn(t.Context(), stream, c)
	return c
}

// call asks and gives the answer as JSON.
func (c *client) call(method string, params any) string {
	c.Helper()
	var raw json.RawMessage
	if err := c.conn.Call(c.Context(), method, params, &raw); err != nil {
		c.Fatalf("%s: %v", method, err)
	}
	return string(raw)
}

func (c *client) notify(method string, params any) {
	c.Helper()
	if err := c.conn.Notify(c.Context(), method, params); err != nil {
		c.Fatalf("%s: %v", method, err)
	}
}

func (c *client) next() publishParams {
	c.Helper()
	select {
	case p := <-c.published:
		return p
	case <-time.After(10 * time.Second):
		c.Fatal("the server says nothing")
		return publishParams{}
	}
}

func (c *client) open(path, text string) publishParams {
	c.Helper()
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": "file://" + path, "version": 1, "text": text}})
	return c.next()
}

func doc(path string) map[string]any { return map[string]any{"uri": "file://" + path} }

func at(line, character int) map[string]any {
	return map[string]any{"line": line, "character": character}
}

func TestDiagnosticsFollowEdits(t *testing.T) {
	c := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	if got := c.call("initialize", map[string]any{"rootUri": "file:///c"}); !strings.Contains(got, `"name":"plinth","version":"1.2.3"`) || !strings.Contains(got, `"hoverProvider":true`) {
		t.Errorf("capabilities are %s", got)
	}
	c.notify("initialized", map[string]any{})
	p := c.open("/c/a/Dockerfile", "FROM x\nRUN echo 'ä𝄞' && sudo ls\n")
	if len(p.Diagnostics) != 1 || p.URI != "file:///c/a/Dockerfile" || *p.Version != 1 {
		t.Fatalf("got %+v", p)
	}
	// ä is one unit of UTF-16, the clef is two
	d := p.Diagnostics[0]
	if want := (textRange{position{1, 18}, position{1, 23}}); d.Range != want || d.Severity != 1 || d.Code != "X1" || d.Message != "sudo is used" || d.CodeDescription.Href != sudoRule.Source {
		t.Errorf("got %+v", d)
	}
	c.notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": "file:///c/a/Dockerfile", "version": 2},
		"contentChanges": []any{
			map[string]any{"range": map[string]any{"start": at(1, 18), "end": at(1, 23)}, "text": ""},
			map[string]any{"range": map[string]any{"start": at(0, 0), "end": at(0, 0)}, "text": "# sudo\n# sudo x\n"},
		},
	})
	if p = c.next(); len(p.Diagnostics) != 1 || p.Diagnostics[0].Range.Start != (position{1, 2}) || *p.Version != 2 {
		t.Errorf("after an edit: %+v", p)
	}
	c.notify("textDocument/didChange", map[string]any{
		"textDocument": map[string]any{"uri": "file:///c/a/Dockerfile", "version": 3}, "contentChanges": []any{map[string]any{"text": "FROM y\n"}},
	})
	if p = c.next(); p.Diagnostics == nil || len(p.Diagnostics) != 0 {
		t.Errorf("after a whole new text: %+v", p)
	}
	c.notify("textDocument/didClose", map[string]any{"textDocument": doc("/c/a/Dockerfile")})
	if p = c.next(); p.Diagnostics == nil || len(p.Diagnostics) != 0 {
		t.Errorf("after it is closed: %+v", p)
	}
}

func TestChildrenAreLookedAtAgain(t *testing.T) {
	c := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	c.open("/c/child/Dockerfile", "FROM parent\nRUN sudo x\n")
	c.open("/c/parent/Dockerfile", "FROM x\n")
	if p := c.next(); p.URI != "file:///c/child/Dockerfile" || len(p.Diagnostics) != 1 {
		t.Errorf("got %+v", p)
	}
}

func TestHoverCompletionAndFixes(t *testing.T) {
	c := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	const path = "/c/a/Dockerfile"
	text := "FROM --platform=x r.example/base/java AS b\nCOPY --from=r.ex /a /b\n  RUN sudo ls; sudo x\nRUN echo r.ex\n"
	c.open(path, text)
	where := func(line, character int) map[string]any {
		return map[string]any{"textDocument": doc(path), "position": at(line, character)}
	}
	if got := c.call("textDocument/hover", where(0, 20)); !strings.Contains(got, "**Java**") || !strings.Contains(got, "A JRE.") {
		t.Errorf("over an image: %s", got)
	}
	if got := c.call("textDocument/hover", where(2, 7)); !strings.Contains(got, "about X1") {
		t.Errorf("over a finding: %s", got)
	}
	if got := c.call("textDocument/hover", where(3, 1)); got != "null" {
		t.Errorf("over nothing: %s", got)
	}
	for place, want := range map[position]bool{{0, 22}: true, {1, 16}: true, {3, 13}: false, {0, 3}: false, {0, 42}: false, {2, 9}: false} {
		got := c.call("textDocument/completion", where(place.Line, place.Character))
		if strings.Contains(got, `"label":"r.example/base/java"`) != want {
			t.Errorf("at %v: %s", place, got)
		}
	}
	if got := c.call("textDocument/completion", where(1, 16)); !strings.Contains(got, `"range":{"start":{"line":1,"character":12},"end":{"line":1,"character":16}}`) {
		t.Errorf("the completion replaces another place: %s", got)
	}
	var actions []codeAction
	raw := c.call("textDocument/codeAction", map[string]any{"textDocument": doc(path), "range": map[string]any{"start": at(2, 6), "end": at(2, 6)}, "context": map[string]any{}})
	if err := json.Unmarshal([]byte(raw), &actions); err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	for _, a := range actions {
		d := &document{text: text}
		edits := a.Edit.Changes["file://"+path]
		slices.Reverse(edits)
		for _, e := range edits {
			d.apply([]change{{Range: &e.Range, Text: e.NewText}})
		}
		results[a.Kind+": "+a.Title] = d.text
	}
	for title, want := range map[string]string{
		"quickfix: remove sudo":                                     strings.Replace(text, "sudo ls", "ls", 1),
		"quickfix: ignore X1 here":                                  strings.Replace(text, "  RUN sudo", "  # plinth ignore=X1\n  RUN sudo", 1),
		"source.fixAll: fix all that can be fixed in this file (2)": strings.ReplaceAll(text, "sudo ", ""),
	} {
		if results[title] != want {
			t.Errorf("%s gives\n%s", title, results[title])
		}
	}
	if len(actions) != 3 {
		t.Errorf("%d actions: %s", len(actions), raw)
	}
}

func TestEnd(t *testing.T) {
	c := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	if err := c.conn.Call(t.Context(), "textDocument/rename", map[string]any{}, nil); err == nil {
		t.Error("what it cannot do is no error")
	}
	c.notify("textDocument/unknown", map[string]any{})
	c.call("shutdown", nil)
	c.notify("exit", nil)
	if err := <-c.served; err != nil {
		t.Errorf("it ended with %v", err)
	}
	other := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	other.call("initialize", map[string]any{})
	other.conn.Close()
	if err := <-other.served; err == nil {
		t.Error("an end without shutdown is no error")
	}
}

func TestBrokenMessagesEndNothing(t *testing.T) {
	c := newClient(t, &fakeWorkspace{texts: map[string]string{}})
	c.notify("textDocument/didOpen", []int{1})
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": "untitled:Untitled-1", "text": "FROM x"}})
	c.notify("textDocument/didChange", map[string]any{"textDocument": doc("/never/opened")})
	c.notify("textDocument/didClose", map[string]any{"textDocument": doc("/never/opened")})
	for _, method := range []string{"textDocument/hover", "textDocument/completion", "textDocument/codeAction"} {
		if got := c.call(method, map[string]any{"textDocument": doc("/never/opened")}); got != "null" && got != "[]" {
			t.Errorf("%s: %s", method, got)
		}
	}
	if p := c.open("/c/x/Dockerfile", "RUN sudo x"); len(p.Diagnostics) != 1 {
		t.Errorf("got %+v", p)
	}
}

func FuzzOffsets(f *testing.F) {
	f.Add("a\nä𝄞b\r\n\n", 1, 2)
	f.Fuzz(func(t *testing.T, text string, line, character int) {
		d := &document{text: text}
		if line < 0 || character < 0 || line > 1000 {
			return
		}
		at := d.offset(position{line, character})
		if at < 0 || at > len(text) {
			t.Fatalf("offset %d of %d", at, len(text))
		}
		if again := d.offset(d.position(at)); again != at && utf8.ValidString(text) {
			t.Errorf("%q: %d comes back as %d", text, at, again)
		}
	})
}
