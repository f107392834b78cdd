package catalog

import (
	"reflect"
	"testing"
	"time"

	"github.com/plinth-build/plinth/internal/diag"
)

func TestLint(t *testing.T) {
	c := load(t, map[string]string{ConfigFile: minimal + `
lint:
  profile: base-image
  rules: {DL3008: off, PL5001: error}
  paths:
    - {files: ["legacy/**", x.Dockerfile], rules: {DL3000: info}}
  fail-on: error
  trusted-registries: ["*.acme.example"]
  label-schema: {team: text, site: url}
  strict-labels: true
  require-digest: true
  base-arg: REGISTRY
  waivers:
    - {rule: DL3002, files: ["0100-*/**"], targets: ["java*"], reason: it needs it, owner: web, expires: 2026-12-31}
  custom:
    - {code: ACME001, on: stage, when: "stage.final", message: no}
    - {code: ACME002, on: image, when: "true", message: x, severity: info, title: y}
`})
	at := func(line, column int) diag.Position {
		return diag.Position{File: ConfigFile, Line: line, Column: column}
	}
	want := LintConfig{
		Profile: "base-image", FailOn: "error",
		Rules:             []LintRule{{"DL3008", "off", at(5, 11)}, {"PL5001", "error", at(5, 24)}},
		Paths:             []LintPath{{Files: []string{"legacy/**", "x.Dockerfile"}, Rules: []LintRule{{"DL3000", "info", at(7, 52)}}}},
		TrustedRegistries: []string{"*.acme.example"},
		LabelSchema:       map[string]string{"team": "text", "site": "url"},
		StrictLabels:      true, RequireDigest: true, BaseArg: "REGISTRY",
		Waivers: []LintWaiver{{
			Rule: "DL3002", Files: []string{"0100-*/**"}, Targets: []string{"java*"}, Reason: "it needs it", Owner: "web",
			Expires: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), Pos: at(15, 7),
		}},
		Custom: []LintCustom{
			{Code: "ACME001", Severity: "warning", On: "stage", When: "stage.final", Message: "no", Pos: at(17, 14), WhenPos: at(17, 40)},
			{Code: "ACME002", Title: "y", Severity: "info", On: "image", When: "true", Message: "x", Pos: at(18, 14), WhenPos: at(18, 40)},
		},
	}
	if !reflect.DeepEqual(c.Config.Lint, want) {
		t.Errorf("got\n%+v\nwant\n%+v", c.Config.Lint, want)
	}
}

func TestLintErrors(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"words": {
			"profile: strikt\n  rules: {DL3008: warn}\n  label-schema: {a: uri}\n  fail-on: eror",
			"plinth.yaml:3:12: cannot use \"strikt\" as lint.profile\n  did you mean strict?\n" +
				"plinth.yaml:4:19: cannot use \"warn\" as lint.rules.DL3008\n  write one of: error, warning, info, style, off\n" +
				"plinth.yaml:5:21: cannot use \"uri\" as lint.label-schema.a\n  did you mean url?\n" +
				"plinth.yaml:6:12: cannot use \"eror\" as lint.fail-on\n  did you mean error?",
		},
		"a waiver without reason": {
			"waivers: [{rule: DL3000, reason: '', owner: me, expires: 31.12.2026}, {rule: DL3000}]",
			"plinth.yaml:3:36: cannot use empty text as reason\n" +
				"plinth.yaml:3:60: cannot use \"31.12.2026\" as a day\n  write it as 2026-12-31\n" +
				"plinth.yaml:3:73: cannot use a waiver without the key expires\n" +
				"plinth.yaml:3:73: cannot use a waiver without the key owner\n" +
				"plinth.yaml:3:73: cannot use a waiver without the key reason",
		},
		"custom rules": {
			"custom: [{code: acme1, on: file, when: x, message: y}, {code: DL1, on: image, when: x, message: y, severity: off}, {code: ACME}]",
			"plinth.yaml:3:19: cannot use \"acme1\" as a code\n  write capital letters and digits behind them, such as ACME001\n" +
				"plinth.yaml:3:30: cannot use \"file\" as lint.custom[0].on\n  write one of: instruction, command, stage, image\n" +
				"plinth.yaml:3:65: cannot use \"DL1\" as a code: codes that begin with DL are taken\n  use letters of your own, such as ACME001\n" +
				"plinth.yaml:3:112: cannot use off as the severity of a custom rule\n  remove the rule, or switch it off under rules\n" +
				"plinth.yaml:3:118: cannot use a custom rule without the key message\n" +
				"plinth.yaml:3:118: cannot use a custom rule without the key on\n" +
				"plinth.yaml:3:118: cannot use a custom rule without the key when\n" +
				"plinth.yaml:3:125: cannot use \"ACME\" as a code\n  write capital letters and digits behind them, such as ACME001",
		},
		"globs and names": {
			"base-arg: a-b\n  paths: [{files: [], rules: {DL3000: off}}, {files: [\"[\"], rules: {DL3000: off}}]",
			"plinth.yaml:3:13: cannot use \"a-b\" as base-arg\n  write the name of an ARG, such as REGISTRY\n" +
				"plinth.yaml:4:11: cannot use a path in lint without files\n  name some: files: [\"legacy/**\"]\n" +
				"plinth.yaml:4:55: cannot use the glob \"[\"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, map[string]string{ConfigFile: minimal + "lint:\n  " + tc.file + "\n"}))
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
