// Command runsvc runs an image of an OCI layout under runc as Docker would, and
// speaks to the service in it.
//
//	runsvc run [FLAGS] STATE STORE TARGET ID [ARGUMENT…]
//	runsvc probe [FLAGS] STATE ID PROTOCOL PORT [WANTED]
//	runsvc stop [FLAGS] STATE ID
//	runsvc exec STATE ID COMMAND…
//	runsvc processes STATE ID
//	runsvc config STORE TARGET
//
// run stays until the container ends, with the container's exit code and
// output. probe asks from inside the container's network and prints the answer
// in a line; it fails when there is none in time, or one without WANTED in it.
// stop sends a signal and prints how many seconds it took. processes prints a
// line for each process: its number in the container, its effective user, its
// state, 1 if it cannot gain privileges (no_new_privs), its name. config prints
// the image's config.
//
// STATE is a folder for unpacked layers and running containers. What is taken
// from Docker and what is not is said in bundle.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	code, err := command(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "runsvc: cannot", err)
	}
	os.Exit(code)
}

var errUsage = errors.New("do that: see the beginning of main.go")

func command(args []string) (int, error) {
	if len(args) == 0 {
		return 64, errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	var err error
	switch args[0] {
	case "run":
		var r runOptions
		flags.StringVar(&r.user, "user", "", "`USER[:GROUP]` in place of the image's")
		flags.BoolVar(&r.readOnly, "read-only", false, "a read-only root, with temporary file systems on /tmp and /run")
		flags.Int64Var(&r.memory, "memory", 0, "memory limit in `bytes`")
		flags.StringVar(&r.memoryMax, "memory-max", "", "`TEXT` of memory.max, which is shown in place of this machine's cgroups")
		flags.Func("put", "`FILE:PATH`: a file to put into the container, executable", func(s string) error {
			from, to, ok := strings.Cut(s, ":")
			if !ok {
				return errors.New("FILE:PATH is wanted")
			}
			r.puts = append(r.puts, [2]string{from, to})
			return nil
		})
		if err = parse(flags, args[1:], 4); err == nil {
			a := flags.Args()
			r.state, r.store, r.target, r.id, r.args = a[0], a[1], a[2], a[3], a[4:]
			return run(r)
		}
	case "probe":
		wait := flags.Duration("wait", 30*time.Second, "how long to wait for the answer")
		if err = parse(flags, args[1:], 4); err == nil {
			a := flags.Args()
			var answer string
			if answer, err = probe(container{a[0], a[1]}, a[2], a[3], strings.Join(a[4:], " "), *wait); err == nil {
				fmt.Println(answer)
			}
		}
	case "stop":
		signal := flags.String("signal", "TERM", "signal to send to process 1")
		within := flags.Duration("within", 5*time.Second, "how long it may take")
		if err = parse(flags, args[1:], 2); err == nil {
			var took time.Duration
			if took, err = (container{flags.Arg(0), flags.Arg(1)}).stop(*signal, *within); err == nil {
				fmt.Printf("%.2f\n", took.Seconds())
			}
		}
	case "exec":
		if err = parse(flags, args[1:], 3); err == nil {
			c := container{flags.Arg(0), flags.Arg(1)}
			return wait(c.runc(append([]string{"exec", c.id}, flags.Args()[2:]...)...))
		}
	case "processes":
		if err = parse(flags, args[1:], 2); err == nil {
			err = container{flags.Arg(0), flags.Arg(1)}.processes(os.Stdout)
		}
	case "config":
		if err = parse(flags, args[1:], 2); err == nil {
			var img image
			if img, err = openImage(flags.Arg(0), flags.Arg(1)); err == nil {
				_, err = os.Stdout.Write(img.raw)
			}
		}
	default:
		err = errUsage
	}
	switch {
	case errors.Is(err, errUsage):
		return 64, err
	case err != nil:
		return 1, err
	}
	return 0, nil
}

func parse(flags *flag.FlagSet, args []string, least int) error {
	if flags.Parse(args) != nil || flags.NArg() < least {
		return errUsage
	}
	return nil
}
