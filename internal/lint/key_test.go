package lint

import (
	"testing"
)

func at(file, code string, line int, message string) *Finding {
	return &Finding{Rule: &Rule{Code: code}, File: file, Line: line, Column: 1, Message: message}
}

func files(content map[string]string) func(string) []byte {
	return func(file string) []byte { return []byte(content[file]) }
}

func TestKeysFollowTheText(t *testing.T) {
	before := Keys([]*Finding{at("a", "R1", 2, "m"), at("a", "R1", 3, "m"), at("a", "R2", 3, "m"), at("b", "R1", 1, "m")},
		files(map[string]string{"a": "FROM x\nRUN one\nRUN two\n", "b": "RUN one"}))
	after := Keys([]*Finding{at("a", "R1", 4, "other words"), at("a", "R1", 5, "m"), at("a", "R2", 5, "m"), at("b", "R1", 3, "m")},
		files(map[string]string{"a": "# new\n\nFROM x\n\t RUN one \r\nRUN two", "b": "\n\nRUN one\n"}))
	seen := map[Key]bool{}
	for i, k := range before {
		if k != after[i] {
			t.Errorf("finding %d has the key %v, and %v after its line moved", i, k, after[i])
		}
		if seen[k] {
			t.Errorf("the key %v is there twice", k)
		}
		seen[k] = true
	}
	if k := before[3]; k.File != "b" || k.Rule != "R1" || k.N != 1 || len(k.Text) != 16 || k.Text != before[0].Text {
		t.Errorf("the key of b is %v, that of the same line in a %v", k, before[0])
	}
}

func TestKeysCountRepeats(t *testing.T) {
	keys := Keys([]*Finding{at("a", "R1", 1, "m"), at("a", "R1", 2, "m"), at("a", "R1", 2, "n"), at("a", "R1", 3, "m")},
		files(map[string]string{"a": "RUN x\nRUN x\nRUN y"}))
	for i, want := range []int{1, 2, 3, 1} {
		if keys[i].N != want {
			t.Errorf("finding %d is number %d of its text, want %d", i, keys[i].N, want)
		}
	}
}

func TestKeysWithoutLines(t *testing.T) {
	source := files(map[string]string{"a": "\n\nx"})
	keys := Keys([]*Finding{at("a", "R", 0, "m"), at("a", "R", 1, "m"), at("a", "R", 1, "other"), at("a", "R", 9, "m"), at("gone", "R", 1, "m")}, source)
	if keys[0].Text != keys[1].Text || keys[0].Text == keys[2].Text || keys[3].Text != keys[0].Text || keys[4].Text != keys[0].Text {
		t.Errorf("without a line the message counts: %v", keys)
	}
	if len(Keys(nil, source)) != 0 {
		t.Error("no findings have keys")
	}
}
