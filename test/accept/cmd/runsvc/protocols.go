package main

// The protocols, as far as a check needs them.

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// askHTTP gets the path. Any answer but a server's error is one.
func askHTTP(conn net.Conn, path string) (string, error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode >= 500 {
		return "", fmt.Errorf("the server answered %s", response.Status)
	}
	first, _, _ := strings.Cut(string(body), "\n")
	return fmt.Sprintf("%d %.200s", response.StatusCode, first), nil
}

// askMetrics gets the page of Prometheus' text format and names what it counts processes of.
func askMetrics(conn net.Conn) (string, error) {
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var groups []string
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), `namedprocess_namegroup_num_procs{groupname="`); ok {
			name, value, _ := strings.Cut(rest, `"} `)
			groups = append(groups, name+"="+value)
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK || len(groups) == 0 {
		return "", fmt.Errorf("the page of metrics has no processes: %s", response.Status)
	}
	return strings.Join(groups, " "), nil
}

// askMemcached stores and gets an item, and tells version and size.
func askMemcached(conn net.Conn) (string, error) {
	if _, err := io.WriteString(conn, "version\r\nset probe 0 60 5\r\nhello\r\nget probe\r\nstats settings\r\n"); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(conn)
	next := func() string {
		lines.Scan()
		return lines.Text()
	}
	version := next()
	for _, want := range []string{"STORED", "VALUE probe 0 5", "hello", "END"} {
		if got := next(); got != want {
			return "", fmt.Errorf("memcached answered %q instead of %q", got, want)
		}
	}
	for line := next(); line != "END"; line = next() {
		if size, ok := strings.CutPrefix(line, "STAT maxbytes "); ok {
			return version + " maxbytes " + size, nil
		}
		if line == "" {
			break
		}
	}
	return "", fmt.Errorf("memcached does not tell its size: %w", lines.Err())
}

// fillMemcached stores 256 MB, far more than it is meant to keep, and tells how many bytes it kept.
func fillMemcached(conn net.Conn) (string, error) {
	const size, count = 256 << 10, 1024
	value := bytes.Repeat([]byte("x"), size)
	r := bufio.NewReader(conn)
	for i := range count {
		if _, err := fmt.Fprintf(conn, "set fill-%d 0 0 %d\r\n%s\r\n", i, size, value); err != nil {
			return "", err
		}
		if answer, err := r.ReadString('\n'); err != nil || answer != "STORED\r\n" {
			return "", fmt.Errorf("memcached answered %q to item %d: %w", answer, i, err)
		}
	}
	if _, err := io.WriteString(conn, "stats\r\n"); err != nil {
		return "", err
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "END\r\n" {
			return "", fmt.Errorf("memcached does not tell what it keeps: %w", err)
		}
		if kept, ok := strings.CutPrefix(line, "STAT bytes "); ok {
			return "kept " + strings.TrimSpace(kept), nil
		}
	}
}

// askRedis pings, stores and gets a value.
func askRedis(conn net.Conn) (string, error) {
	for _, c := range []string{"*1\r\n$4\r\nPING\r\n", "*3\r\n$3\r\nSET\r\n$5\r\nprobe\r\n$5\r\nhello\r\n", "*2\r\n$3\r\nGET\r\n$5\r\nprobe\r\n"} {
		if _, err := io.WriteString(conn, c); err != nil {
			return "", err
		}
	}
	lines := bufio.NewScanner(conn)
	for _, want := range []string{"+PONG", "+OK", "$5", "hello"} {
		if !lines.Scan() || lines.Text() != want {
			return "", fmt.Errorf("redis answered %q instead of %q", lines.Text(), want)
		}
	}
	return "PONG, set and got hello", nil
}

// askPostgreSQL logs in as postgres and selects 1.
func askPostgreSQL(conn net.Conn) (string, error) {
	start := binary.BigEndian.AppendUint32(nil, 3<<16)
	start = append(start, "user\x00postgres\x00database\x00postgres\x00\x00"...)
	start = append(binary.BigEndian.AppendUint32(nil, uint32(len(start)+4)), start...)
	if _, err := conn.Write(start); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	version, answer, asked := "", "", false
	for {
		kind, body, err := readMessage(r)
		if err != nil {
			return "", err
		}
		switch kind {
		case 'R':
			if method := binary.BigEndian.Uint32(body); method != 0 {
				return "", fmt.Errorf("PostgreSQL wants authentication %d", method)
			}
		case 'S':
			if name, value, _ := bytes.Cut(body, []byte{0}); string(name) == "server_version" {
				version = strings.TrimRight(string(value), "\x00")
			}
		case 'E':
			return "", fmt.Errorf("PostgreSQL says %q", body)
		case 'D': // number of columns, length, text
			if len(body) > 6 {
				answer = string(body[6:])
			}
		case 'Z':
			if asked {
				_, err := conn.Write([]byte("X\x00\x00\x00\x04"))
				if answer != "1" {
					return "", fmt.Errorf("SELECT 1 gives %q", answer)
				}
				return "PostgreSQL " + version + " selects " + answer, err
			}
			asked = true
			if _, err := conn.Write([]byte("Q\x00\x00\x00\x0dSELECT 1\x00")); err != nil {
				return "", err
			}
		}
	}
}

func readMessage(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > 1<<20 {
		return 0, nil, fmt.Errorf("a message of %d bytes", size)
	}
	body = make([]byte, size-4)
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}

// askFastCGI runs /srv/app/index.php.
func askFastCGI(conn net.Conn) (string, error) {
	const begin, stdin, params, stdout, end = 1, 5, 4, 6, 3
	record := func(kind byte, body []byte) []byte {
		return append([]byte{1, kind, 0, 1, byte(len(body) >> 8), byte(len(body)), 0, 0}, body...)
	}
	var environment []byte
	for _, p := range [][2]string{
		{"SCRIPT_FILENAME", "/srv/app/index.php"}, {"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/probe"}, {"SCRIPT_NAME", "/index.php"},
	} {
		environment = append(environment, byte(len(p[0])), byte(len(p[1])))
		environment = append(append(environment, p[0]...), p[1]...)
	}
	request := record(begin, []byte{0, 1, 0, 0, 0, 0, 0, 0})
	request = append(request, record(params, environment)...)
	request = append(append(request, record(params, nil)...), record(stdin, nil)...)
	if _, err := conn.Write(request); err != nil {
		return "", err
	}
	var out bytes.Buffer
	for {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return "", err
		}
		body := make([]byte, int(head[4])<<8|int(head[5])+int(head[6]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return "", err
		}
		switch head[1] {
		case stdout:
			out.Write(body[:len(body)-int(head[6])])
		case end:
			header, text, ok := strings.Cut(out.String(), "\r\n\r\n")
			if !ok || strings.Contains(header, "Status: ") {
				return "", fmt.Errorf("the server answered %q", out.String())
			}
			first, _, _ := strings.Cut(text, "\n")
			return first, nil
		}
	}
}
