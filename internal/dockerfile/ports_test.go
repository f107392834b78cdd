package dockerfile

import (
	"slices"
	"testing"
)

func TestPorts(t *testing.T) {
	tests := []struct {
		name, text, target string
		args               map[string]string
		want               []string
	}{
		{"none", "FROM a\nRUN x\n", "", nil, nil},
		{"protocols and ranges", "FROM a\nEXPOSE 443 80/TCP 53/udp 8000-8002\n", "", nil, []string{"53/udp", "80/tcp", "443/tcp", "8000/tcp", "8001/tcp", "8002/tcp"}},
		{"twice", "FROM a\nEXPOSE 80\nEXPOSE 80/tcp 80/udp\n", "", nil, []string{"80/tcp", "80/udp"}},
		{"order of numbers", "FROM a\nEXPOSE 10000 9000\n", "", nil, []string{"9000/tcp", "10000/tcp"}},
		{"earlier stage", "FROM a AS one\nEXPOSE 1\nFROM b AS two\nEXPOSE 2\nFROM one\nEXPOSE 3\n", "", nil, []string{"1/tcp", "3/tcp"}},
		{"target", "FROM a AS one\nEXPOSE 1\nFROM one\nEXPOSE 3\n", "one", nil, []string{"1/tcp"}},
		{"default of ARG", "FROM a\nARG P=81\nEXPOSE ${P}\n", "", nil, []string{"81/tcp"}},
		{"build argument", "FROM a\nARG P=81\nEXPOSE ${P}\n", "", map[string]string{"P": "82"}, []string{"82/tcp"}},
		{"not declared", "FROM a\nEXPOSE ${P:-7}\n", "", map[string]string{"P": "82"}, []string{"7/tcp"}},
		{"global ARG", "ARG P=83\nFROM a\nARG P\nEXPOSE $P\n", "", nil, []string{"83/tcp"}},
		{"global ARG not taken over", "ARG P=83\nFROM a\nEXPOSE $P\n", "", nil, nil},
		{"ENV", "FROM a\nENV A=84 B=$A\nENV C=$A\nEXPOSE $C $B\n", "", nil, []string{"84/tcp"}},
		{"ENV of an earlier stage", "FROM a AS one\nENV A=85\nFROM one\nEXPOSE $A\n", "", nil, []string{"85/tcp"}},
		{"no ports", "FROM a\nEXPOSE ${NOPE} 70000 x 80/quic\n", "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("Dockerfile", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Ports(Options{Args: tt.args, Target: tt.target}); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
