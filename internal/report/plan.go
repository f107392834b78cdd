package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plinth-build/plinth/internal/plan"
)

var actionWords = map[plan.Action]string{plan.Build: "build", plan.Reuse: "reuse", plan.Depends: "build unless the parent turns out the same"}

// Plan prints what a run would do.
func Plan(w io.Writer, steps []plan.Step) {
	lines := make([][]string, 0, len(steps))
	counts := map[plan.Action]int{}
	for _, s := range steps {
		counts[s.Action]++
		lines = append(lines, []string{s.Target.Name, actionWords[s.Action], plan.Summary(s.Reasons)})
	}
	Table(w, []string{"TARGET", "ACTION", "WHY"}, lines)
	var parts []string
	for _, a := range []plan.Action{plan.Build, plan.Depends, plan.Reuse} {
		if n := counts[a]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, actionWords[a]))
		}
	}
	fmt.Fprintf(w, "\n%s: %s\n", Plural(len(steps), "target"), strings.Join(parts, ", "))
}

type jsonStep struct {
	Target  string        `json:"target"`
	Action  plan.Action   `json:"action"`
	ID      string        `json:"id,omitempty"`
	Digest  string        `json:"digest,omitempty"`
	Reasons []plan.Reason `json:"reasons"`
}

// PlanJSON prints the same as one JSON object.
func PlanJSON(w io.Writer, steps []plan.Step) error {
	out := struct {
		Steps []jsonStep `json:"steps"`
	}{[]jsonStep{}}
	for _, s := range steps {
		out.Steps = append(out.Steps, toStep(s))
	}
	return encode(w, out)
}

func toStep(s plan.Step) jsonStep {
	j := jsonStep{Target: s.Target.Name, Action: s.Action, ID: s.ID, Reasons: s.Reasons}
	if s.Action == plan.Reuse {
		j.Digest = s.Result.Manifest.Digest.String()
	}
	if j.Reasons == nil {
		j.Reasons = []plan.Reason{}
	}
	return j
}

// Why prints the chain of causes of one target: what happens to it and why,
// then the same for each parent that is a cause, down to the root.
//
//	tomcat will be built unless the parent turns out the same
//	  parent java17 is going to be built
//	java17 will be built
//	  context: files/setup.sh changed
func Why(w io.Writer, chain []plan.Link) {
	for i, l := range chain {
		indent := strings.Repeat("  ", l.Depth)
		if i > 0 {
			indent += "← "
		}
		switch {
		case l.Step != nil && l.Step.Action == plan.Build:
			fmt.Fprintf(w, "%s%s is going to be built\n", indent, l.Target)
		case l.Step != nil && l.Step.Action == plan.Depends:
			fmt.Fprintf(w, "%s%s is going to be built unless its parent turns out the same\n", indent, l.Target)
		case l.Last != nil && i > 0:
			fmt.Fprintf(w, "%s%s was built %s\n", indent, l.Target, l.Built.Local().Format(time.DateTime))
		case l.Last != nil:
			fmt.Fprintf(w, "%s%s is up to date: built %s in %s, %s\n", indent, l.Target,
				l.Built.Local().Format(time.DateTime), Duration(l.Last.Took), l.Last.Digest)
		default:
			fmt.Fprintf(w, "%s%s is up to date\n", indent, l.Target)
		}
		pad := strings.Repeat("  ", l.Depth+1)
		if l.Step == nil && len(l.Reasons) > 0 {
			fmt.Fprintf(w, "%swhy it was built:\n", pad)
			pad += "  "
		}
		for _, r := range l.Reasons {
			fmt.Fprintf(w, "%s%s\n", pad, r)
		}
	}
}

type jsonLink struct {
	Target  string        `json:"target"`
	Action  plan.Action   `json:"action"`
	Digest  string        `json:"digest,omitempty"`
	Built   *time.Time    `json:"built,omitempty"`
	Reasons []plan.Reason `json:"reasons"`
}

// WhyJSON prints the same as one JSON object.
func WhyJSON(w io.Writer, chain []plan.Link) error {
	out := struct {
		Chain []jsonLink `json:"chain"`
	}{[]jsonLink{}}
	for _, l := range chain {
		j := jsonLink{Target: l.Target, Action: plan.Reuse, Reasons: l.Reasons}
		if l.Step != nil {
			j.Action = l.Step.Action
		}
		if l.Last != nil {
			j.Digest = l.Last.Digest
		}
		if !l.Built.IsZero() {
			j.Built = &l.Built
		}
		if j.Reasons == nil {
			j.Reasons = []plan.Reason{}
		}
		out.Chain = append(out.Chain, j)
	}
	return encode(w, out)
}
