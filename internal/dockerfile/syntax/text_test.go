package syntax

import "testing"

// What is not in the file is where the part before it ends, with all of its bytes, also when it is joined again.
func TestJoinedTextThatStandsNowhere(t *testing.T) {
	f := Parse("Dockerfile", []byte("FROM a\nRUN bc de"))
	args := f.Instructions[1].Args
	joined := Join(args.Slice(0, 2), Text{S: "xyz"}, args.Slice(2, 5))
	again := Join(joined.Slice(3, 7), Text{S: "!"})
	for i, want := range []int{11, 12, 13, 13, 13, 13, 14, 15, 16} {
		if got := joined.Offset(i); got != want {
			t.Errorf("byte %d is at %d, want %d", i, got, want)
		}
	}
	for i, want := range []int{13, 13, 13, 14, 15} {
		if got := again.Offset(i); got != want {
			t.Errorf("joined again, byte %d is at %d, want %d", i, got, want)
		}
	}
}
