// Command lspedits is an editor that makes edits in the Dockerfiles of the catalog in the working folder
// and measures how long plinth lsp takes to answer each with its findings.
//
//	lspedits PLINTH N
//
// It prints "p50 MS", "p95 MS" and "max MS", in milliseconds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lspedits:", err)
		os.Exit(1)
	}
}

type editor struct {
	in  io.Writer
	out *bufio.Reader
	id  int
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: lspedits PLINTH N")
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	files, err := filepath.Glob("*/Dockerfile")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no Dockerfiles here")
	}
	cmd := exec.Command(os.Args[1], "lsp")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	e := &editor{in: in, out: bufio.NewReader(out)}
	if err := e.edits(files, n); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("plinth lsp ended with %w", err)
	}
	return nil
}

func (e *editor) edits(files []string, n int) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := e.send("initialize", true, map[string]any{"rootUri": "file://" + wd, "capabilities": map[string]any{}}); err != nil {
		return err
	}
	if _, err := e.read(); err != nil {
		return err
	}
	if err := e.send("initialized", false, map[string]any{}); err != nil {
		return err
	}
	var took []time.Duration
	findings := 0
	for i := range n {
		file := files[i%len(files)]
		uri := "file://" + filepath.Join(wd, file)
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		method, params := "textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": uri, "version": i + 2},
			"contentChanges": []any{map[string]any{"text": string(data) + fmt.Sprintf("RUN cd /tmp && sudo make x%d\n", i)}},
		}
		if i < len(files) {
			method, params = "textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "dockerfile", "version": 1, "text": string(data)}}
		}
		start := time.Now()
		if err := e.send(method, false, params); err != nil {
			return err
		}
		for {
			m, err := e.read()
			if err != nil {
				return err
			}
			if m.Method == "textDocument/publishDiagnostics" && m.Params.URI == uri {
				findings += len(m.Params.Diagnostics)
				break
			}
		}
		took = append(took, time.Since(start))
	}
	if findings == 0 {
		return fmt.Errorf("the server finds nothing")
	}
	if err := e.send("shutdown", true, nil); err != nil {
		return err
	}
	if err := e.send("exit", false, nil); err != nil {
		return err
	}
	slices.Sort(took)
	for name, at := range map[string]int{"p50": len(took) / 2, "p95": len(took) * 95 / 100, "max": len(took) - 1} {
		fmt.Printf("%s %.2f\n", name, float64(took[at].Microseconds())/1000)
	}
	return nil
}

type message struct {
	Method string
	Params struct {
		URI         string
		Diagnostics []json.RawMessage
	}
}

func (e *editor) send(method string, call bool, params any) error {
	m := map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
	if call {
		e.id++
		m["id"] = e.id
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func (e *editor) read() (m message, err error) {
	head, err := textproto.NewReader(e.out).ReadMIMEHeader()
	if err != nil {
		return m, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(head.Get("Content-Length")))
	if err != nil {
		return m, err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(e.out, body); err != nil {
		return m, err
	}
	return m, json.Unmarshal(body, &m)
}
