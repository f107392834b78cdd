package rules

import (
	"time"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

// healthcheck gives the HEALTHCHECK of the final stage that counts, if it stands in this stage.
func healthcheck(s *lint.Stage) (in *syntax.Instruction, ok bool) {
	in = s.After().Healthcheck.In
	if !s.Final || in == nil || nameOf(in) == "NONE" {
		return nil, false
	}
	for _, own := range s.Find("HEALTHCHECK") {
		ok = ok || own == in
	}
	return in, ok
}

// nameOf is the first word of HEALTHCHECK: CMD or NONE.
func nameOf(in *syntax.Instruction) string {
	first, _, _ := in.Args.CutSpace()
	return first.S
}

// duration reads a flag of HEALTHCHECK; ok is false where it is not there or not known.
func duration(in *syntax.Instruction, name string) (d time.Duration, flag syntax.Flag, ok bool) {
	flag, ok = in.Flag(name)
	if !ok {
		return 0, flag, false
	}
	d, err := time.ParseDuration(flag.Value)
	return d, flag, err == nil
}

// checkCommands are the commands of a HEALTHCHECK.
func checkCommands(s *lint.Stage, in *syntax.Instruction) []*shellscript.Command {
	_, command, ok := in.Args.CutSpace()
	if !ok {
		return nil
	}
	return s.ShellForm(in, command, s.After().Shell).Commands()
}

// processCommands are the commands that the image starts, ENTRYPOINT and CMD of the final stage as far
// as they stand in this file, with the instruction of each.
func processCommands(s *lint.Stage, each func(in *syntax.Instruction, c *shellscript.Command)) {
	e := s.After()
	for _, v := range []lint.Value{e.Entrypoint, e.Cmd} {
		if v.In == nil {
			continue
		}
		s.ShellForm(v.In, v.In.Args, e.Shell).Each(func(c *shellscript.Command) { each(v.In, c) })
	}
}
