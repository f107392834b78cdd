package fleet

import (
	"time"

	"github.com/plinth-build/plinth/internal/plan"
)

// Status is how a target ended.
type Status string

// The ends of a target.
const (
	Built      Status = "built"
	Reused     Status = "reused"
	Failed     Status = "failed"
	Blocked    Status = "blocked"     // a target that it stands on failed
	Cancelled  Status = "cancelled"   // it was running when the run was stopped
	NotStarted Status = "not started" // the run was stopped before its turn
)

// Row is one line of the closing table.
type Row struct {
	Target  string        `json:"target"`
	Status  Status        `json:"status"`
	Reasons []plan.Reason `json:"reasons,omitempty"` // why it was built
	Digest  string        `json:"digest,omitempty"`
	Same    bool          `json:"same,omitempty"`  // built, and it came out as before for what stands on it: labels of its own may differ
	Size    int64         `json:"size,omitempty"`  // compressed layers, bytes
	Took    time.Duration `json:"took"`            // nanoseconds
	Cause   string        `json:"cause,omitempty"` // of a blocked target: the one that failed
	Log     string        `json:"log,omitempty"`   // path of the full log
	Err     error         `json:"-"`
	Tail    []string      `json:"-"` // last lines of the log of a failed target
}

// Progress is told what goes on. Its methods are called from several
// goroutines, but for one target in order.
type Progress interface {
	// Planned: the run begins. It is called once, before the others.
	Planned(outlook Outlook)
	// Started: the target begins to be built, and why.
	Started(target string, reasons []plan.Reason)
	// Step: the target is at this step ("RUN apt-get update", "unpacking 75 packages").
	Step(target, step string)
	// Ended: the target's final row.
	Ended(row Row)
}

// Counts sums rows up by status.
func Counts(rows []Row) map[Status]int {
	out := map[Status]int{}
	for _, r := range rows {
		out[r.Status]++
	}
	return out
}
