package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/diag"
)

func runMain(t *testing.T, args ...string) (code diag.ExitCode, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(args, &o, &e)
	return code, o.String(), e.String()
}

func TestFlagsFromEnvironment(t *testing.T) {
	t.Setenv("PLINTH_CATALOG", "/nonexistent-catalog")
	if code, _, errs := runMain(t, "list"); code != diag.ExitError || !strings.Contains(errs, "/nonexistent-catalog") {
		t.Errorf("PLINTH_CATALOG: exit %d, %s", code, errs)
	}
	if _, _, errs := runMain(t, "list", "-C", "/nonexistent-flag"); !strings.Contains(errs, "/nonexistent-flag") {
		t.Errorf("the flag must win: %s", errs)
	}
	t.Setenv("PLINTH_FORMAT", "xml")
	code, _, errs := runMain(t, "list")
	want := "error: cannot use \"xml\" for PLINTH_FORMAT, which stands for --format: it must be one of: pretty, json, names\n" +
		"  hint: see: plinth list --help\n"
	if code != diag.ExitUsage || errs != want {
		t.Errorf("exit %d, %s", code, errs)
	}
	t.Setenv("PLINTH_FORMAT", "")
	if _, _, errs := runMain(t, "list"); strings.Contains(errs, "PLINTH_FORMAT") {
		t.Errorf("an empty variable counts: %s", errs)
	}
}
