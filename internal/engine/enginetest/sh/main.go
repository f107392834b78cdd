// Command sh is a shell for tests: it runs `sh -c "COMMAND && COMMAND"`, where a
// command is one of a few built-in words with arguments split at blanks. A first
// argument beginning with / is a script with one command per line.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exit is what a command panics with to end the shell.
type exit int

func main() {
	defer func() {
		switch code := recover().(type) {
		case nil:
		case exit:
			os.Exit(int(code))
		default:
			panic(code)
		}
	}()
	args := os.Args[1:]
	var script string
	switch {
	case len(args) >= 2 && args[0] == "-c":
		script = args[1]
	case len(args) == 1 && strings.HasPrefix(args[0], "/"):
		data, err := os.ReadFile(args[0])
		check(err)
		script = string(data)
	default:
		script = strings.Join(args, " ")
	}
	for line := range strings.SplitSeq(script, "\n") {
		for command := range strings.SplitSeq(line, "&&") {
			fields := strings.Fields(command)
			for i, f := range fields {
				fields[i] = os.ExpandEnv(f)
			}
			if len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
				run(fields)
			}
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sh:", err)
		panic(exit(1))
	}
}

func run(f []string) {
	switch f[0] {
	case "echo": // TEXT... or TEXT... > FILE
		text, file := f[1:], ""
		if n := len(f); n >= 3 && f[n-2] == ">" {
			text, file = f[1:n-2], f[n-1]
		}
		line := strings.Join(text, " ") + "\n"
		if file == "" {
			_, err := io.WriteString(os.Stdout, line)
			check(err)
			return
		}
		check(os.WriteFile(file, []byte(line), 0o644))
	case "cat":
		for _, name := range f[1:] {
			data, err := os.ReadFile(name)
			check(err)
			_, err = os.Stdout.Write(data)
			check(err)
		}
	case "chmod": // MODE FILE
		mode, err := strconv.ParseUint(f[1], 8, 32)
		check(err)
		check(syscall.Chmod(f[2], uint32(mode)))
	case "cp": // FROM TO
		data, err := os.ReadFile(f[1])
		check(err)
		check(os.WriteFile(f[2], data, 0o644))
	case "base64", "hex": // FROM TO; TO may be - for the standard output
		data, err := os.ReadFile(f[1])
		check(err)
		text := base64.StdEncoding.EncodeToString(data)
		if f[0] == "hex" {
			text = hex.EncodeToString(data)
		}
		if f[2] == "-" {
			fmt.Println(text)
			return
		}
		check(os.WriteFile(f[2], []byte(text), 0o644))
	case "dribble": // FILE: prints it byte by byte, with something else on standard error in between
		data, err := os.ReadFile(f[1])
		check(err)
		for i := range data {
			_, err := os.Stdout.Write(data[i : i+1])
			check(err)
			if i%8 == 7 {
				fmt.Fprintln(os.Stderr, "meanwhile")
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "identities": // SOCKET: prints how many keys the SSH agent there has
		conn, err := net.Dial("unix", f[1])
		check(err)
		_, err = conn.Write([]byte{0, 0, 0, 1, 11})
		check(err)
		reply := make([]byte, 9)
		_, err = io.ReadFull(conn, reply)
		check(err)
		fmt.Println("identities", reply[4], reply[8])
	case "exit":
		code, err := strconv.Atoi(f[1])
		check(err)
		panic(exit(code))
	case "lines": // N lines
		n, err := strconv.Atoi(f[1])
		check(err)
		for i := range n {
			fmt.Println("line", i+1)
		}
	case "link": // FROM TO: a hard link
		check(os.Link(f[1], f[2]))
	case "ls": // DIR: prints the names in it in one line
		entries, err := os.ReadDir(f[1])
		check(err)
		names := []string{"ls", f[1] + ":"}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		fmt.Println(strings.Join(names, " "))
	case "make": // TARGET SOURCE: fails unless the target is at least as new, as make would rebuild
		a, err := os.Stat(f[1])
		check(err)
		b, err := os.Stat(f[2])
		check(err)
		if a.ModTime().Before(b.ModTime()) {
			check(fmt.Errorf("%s is older than %s", f[1], f[2]))
		}
	case "mkdir":
		for _, name := range f[1:] {
			check(os.MkdirAll(name, 0o755))
		}
	case "mode": // FILE: prints its mode
		info, err := os.Stat(f[1])
		check(err)
		fmt.Println("mode", info.Mode())
	case "owner": // FILE: prints its owner and group
		var st syscall.Stat_t
		check(syscall.Lstat(f[1], &st))
		fmt.Printf("owner %s %d:%d\n", f[1], st.Uid, st.Gid)
	case "pwd":
		dir, err := os.Getwd()
		check(err)
		fmt.Println("pwd", dir)
	case "symlink": // TARGET NAME
		check(os.Symlink(f[1], f[2]))
	case "xattr": // FILE NAME VALUE, in hexadecimal
		value, err := hex.DecodeString(f[3])
		check(err)
		check(syscall.Setxattr(f[1], f[2], value, 0))
	case "whoami": // prints the user's number
		fmt.Println("uid", os.Getuid())
	case "mtime": // FILE: prints its time
		info, err := os.Stat(f[1])
		check(err)
		fmt.Println("mtime", info.ModTime().Unix())
	case "interfaces": // prints how many network interfaces there are besides loopback
		list, err := net.Interfaces()
		check(err)
		n := 0
		for _, i := range list {
			if i.Flags&net.FlagLoopback == 0 {
				n++
			}
		}
		fmt.Println("interfaces", n)
	case "rm":
		for _, name := range f[1:] {
			check(os.RemoveAll(name))
		}
	case "sleep":
		s, err := strconv.ParseFloat(f[1], 64)
		check(err)
		time.Sleep(time.Duration(s * float64(time.Second)))
	case "sparse": // BYTES FILE: of one x in the middle and otherwise holes
		size, err := strconv.ParseInt(f[1], 10, 64)
		check(err)
		file, err := os.Create(f[2])
		check(err)
		check(file.Truncate(size))
		_, err = file.WriteAt([]byte("x"), size/2)
		check(err)
		check(file.Close())
	case "stamp": // FILE: writes the time, so that it tells whether a step ran again
		check(os.WriteFile(f[1], []byte(time.Now().String()), 0o644))
	case "test": // FILE: fails when it isn't there
		_, err := os.Stat(f[1])
		check(err)
	case "absent": // FILE: fails when it is there
		if _, err := os.Lstat(f[1]); err == nil {
			check(fmt.Errorf("%s is there", f[1]))
		}
	case "touch": // SECONDS FILE
		s, err := strconv.ParseInt(f[1], 10, 64)
		check(err)
		if _, err := os.Stat(f[2]); err != nil {
			check(os.WriteFile(f[2], nil, 0o644))
		}
		check(syscall.UtimesNano(f[2], []syscall.Timespec{{Sec: s}, {Sec: s}}))
	default:
		if _, err := os.Stat(f[0]); err == nil && strings.HasPrefix(f[0], "/") {
			check(syscall.Exec(f[0], f, os.Environ())) // what follows in the script is not run
		}
		fmt.Fprintf(os.Stderr, "sh: %s: not found\n", f[0])
		panic(exit(127))
	}
}
