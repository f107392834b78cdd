// The scripts in testdata/script run the real program with the real engine:
// the test binary, started again under the name plinth. Next to testscript's
// own commands they have those in the table below; `go test ./cmd/plinth -run
// Script -update` writes what is compared with cmp into the scripts anew, to be
// read before it is committed.
package main

import (
	"errors"
	"flag"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/plinth-build/plinth/internal/debian/sandbox"
	"github.com/plinth-build/plinth/internal/engine/enginetest"
)

var updateScripts = flag.Bool("update", false, "write the outputs that the scripts compare anew")

// programs are what the test binary is under other names.
var programs = map[string]func(){
	"plinth":        main,
	"plinth-panics": panics,
}

func TestMain(m *testing.M) {
	if sandbox.Main() {
		return
	}
	if program := programs[filepath.Base(os.Args[0])]; program != nil {
		program()
		return
	}
	os.Exit(run(m))
}

// run runs the tests with the programs in PATH.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "plinth-test-")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.Setenv("PATH", dir+":"+os.Getenv("PATH")))
	}
	for name := range programs {
		// not by a symbolic link: other users may not look where the test binary is
		err = errors.Join(err, link(self, filepath.Join(dir, name)))
	}
	if err != nil {
		log.Print(err)
		return 1
	}
	return m.Run()
}

// link makes a file a second name of another one, or a copy of it.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// panics is plinth with a bug in it.
func panics() {
	crashLoudly()
	go func() { panic("a bug") }()
	select {}
}

// commands are what a script can use besides testscript's own commands.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"plinth":   cmdPlinth,   // plinth ARG…: run it, it must exit with 0
	"code":     cmdCode,     // code N PROGRAM ARG…: run it, it must exit with N
	"as":       cmdAs,       // as UID N PROGRAM ARG…: the same as another user
	"start":    cmdStart,    // start PROGRAM ARG…: run it in the background
	"await":    cmdAwait,    // await TEXT: until what was started has printed TEXT
	"signal":   cmdSignal,   // signal INT|TERM|KILL: to what was started
	"finish":   cmdFinish,   // finish N [SECONDS]: it must end within SECONDS with code N
	"helper":   cmdHelper,   // helper DIR…: put the test shell into DIR/sh
	"push":     cmdPush,     // push NAME:TAG TEXT: push an image with the test shell and TEXT in /version
	"registry": cmdRegistry, // registry stop|start
	"mirror":   cmdMirror,   // mirror stop|start|good|tamper PATH|truncate PATH|status PATH N|hang PATH|asked PATH|add NAME VERSION [FILE=TEXT…]|remove NAME
	"tmpfs":    cmdTmpfs,    // tmpfs DIR SIZE: mount a small file system, or change its size
	"fill":     cmdFill,     // fill FILE BYTES: a file that cannot be compressed
	"append":   cmdAppend,   // append FILE TEXT: add a line
	"edit":     cmdEdit,     // edit FILE OLD NEW: replace all OLD
	"forge":    cmdForge,    // forge FILE OLD NEW: replace OLD and put the modification time back
	"blob":     cmdBlob,     // blob delete|truncate|flip TARGET: harm the last layer of a target
	"image":    cmdImage,    // image TARGET PATH: print a file of an image
	"config":   cmdConfig,   // config TARGET: print an image's config
	"digests":  cmdDigests,  // digests: print the digest of every target
	"jq":       cmdJQ,       // jq PATH: print a part of the JSON in stdout, such as .targets[0].name
	"clean":    cmdClean,    // clean [DIR]: nothing of a run is left behind in the state folder DIR
}

func TestScript(t *testing.T) {
	shell := enginetest.Shell(t)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		Setup:              func(env *testscript.Env) error { return setup(env, t, shell) },
		Cmds:               commands,
		UpdateScripts:      *updateScripts,
		RequireUniqueNames: true,
	})
}
