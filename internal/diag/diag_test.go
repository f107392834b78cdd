package diag

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestPositionString(t *testing.T) {
	for want, p := range map[string]Position{
		"":           {},
		"a.yaml":     {File: "a.yaml"},
		"a.yaml:3":   {File: "a.yaml", Line: 3},
		"a.yaml:3:7": {File: "a.yaml", Line: 3, Column: 7},
	} {
		if got := p.String(); got != want {
			t.Errorf("%#v prints %q, want %q", p, got, want)
		}
	}
}

func TestListOrdersAndRemovesRepeats(t *testing.T) {
	var l List
	if l.Err() != nil {
		t.Fatal("an empty list is an error")
	}
	l.Add(Errorf(Position{"b", 1, 1}, "late"))
	l.Add(Errorf(Position{"a", 10, 1}, "third"))
	l.Add(Errorf(Position{"a", 9, 2}, "second"))
	l.Add(Errorf(Position{"a", 9, 1}, "first"))
	l.Add(Errorf(Position{"a", 9, 1}, "first"))
	want := "a:9:1: first\na:9:2: second\na:10:1: third\nb:1:1: late"
	if got := l.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestErrorKeepsCause(t *testing.T) {
	e := Errorf(Position{File: "x"}, "cannot read x: %w", fs.ErrNotExist)
	if !errors.Is(e, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
	if got, want := e.Error(), "x: cannot read x: file does not exist"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &Error{Msg: "cannot read x", Err: fs.ErrNotExist}
	if got, want := e.Error(), "cannot read x: file does not exist"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFlattenKeepsWrapping(t *testing.T) {
	inner := Errorf(Position{"f", 1, 2}, "cannot parse").Hint("try again")
	got := Flatten(fmt.Errorf("target a: %w", inner))
	if len(got) != 1 || got[0].Msg != "target a: cannot parse" || got[0].Pos.Line != 1 || len(got[0].Hints) != 1 {
		t.Errorf("got %+v", got[0])
	}
	if inner.Msg != "cannot parse" {
		t.Error("flattening changed the original")
	}
	var l List
	l.AddErr(errors.Join(inner, errors.New("bare")))
	if l.Len() != 2 {
		t.Errorf("%d errors, want 2", l.Len())
	}
}

func TestCodeTakesTheFirstThatApplies(t *testing.T) {
	order := []ExitCode{ExitInterrupted, ExitTerminated, ExitUsage, ExitError, ExitPartial, ExitTests, ExitFindings}
	for i, high := range order {
		for _, low := range order[i:] {
			var l List
			l.Add(Errorf(Position{}, "low").WithCode(low))
			l.Add(Errorf(Position{}, "high").WithCode(high))
			if got := Code(l.Err()); got != high {
				t.Errorf("of %d and %d: %d", high, low, got)
			}
		}
	}
	if Code(nil) != ExitOK || Code(errors.New("x")) != ExitError {
		t.Error("nil is 0 and a bare error is 1")
	}
}

func TestNearest(t *testing.T) {
	names := []string{"debian12", "java17", "java21", "tomcat"}
	for in, want := range map[string]string{
		"debain12": "debian12", "jav17": "java17", "tomcta": "tomcat", "postgres": "", "tomcat": "tomcat", "x": "",
	} {
		if got := Nearest(in, names); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Nearest("b", []string{"a"}); got != "a" {
		t.Errorf("one edit is always allowed, got %q", got)
	}
}
