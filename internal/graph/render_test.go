package graph

import (
	"strings"
	"testing"
)

func fleet(t *testing.T) *Graph {
	return build(t, map[string]string{
		"0000-base": "FROM debian:12", "0100-java": "FROM base", "0200-app": "FROM java\nCOPY --from=tools / /\nCOPY --from=docker.io/library/debian:12 / /",
		"0200-web": "FROM java", "0300-all": "FROM app\nCOPY --from=web / /", "tools/image.yaml": "packages: []",
	})
}

func TestTree(t *testing.T) {
	g := fleet(t)
	want := `base
└── java
    ├── app
    │   └── all
    └── web
        └── all
tools
└── app (*)
`
	if got := Tree(g.Targets, false); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = strings.NewReplacer("├── ", "|-- ", "└── ", "`-- ", "│   ", "|   ").Replace(want)
	if got := Tree(g.Targets, true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	some, err := g.Select("app", "web", "all")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Tree(some, true), "app\n`-- all\nweb\n`-- all\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Tree(nil, true); got != "" {
		t.Errorf("nothing gives %q", got)
	}
}

func TestJSON(t *testing.T) {
	g := fleet(t)
	some, err := g.Select("app", "tools")
	if err != nil {
		t.Fatal(err)
	}
	got, err := JSON(some)
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "targets": [
    {
      "name": "tools",
      "image": "tools",
      "flavour": "",
      "tier": "",
      "dockerfile": "",
      "parents": [],
      "upstreams": []
    },
    {
      "name": "app",
      "image": "app",
      "flavour": "",
      "tier": "0200",
      "dockerfile": "0200-app/Dockerfile",
      "parents": [
        "java",
        "tools"
      ],
      "upstreams": [
        "docker.io/library/debian:12"
      ]
    }
  ]
}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, err := JSON(nil); err != nil || string(got) != "{\n  \"targets\": []\n}\n" {
		t.Errorf("nothing gives %s, %v", got, err)
	}
}

func TestDOT(t *testing.T) {
	want := `digraph plinth {
	rankdir=LR;
	node [shape=box];
	"base";
	"java";
	"tools";
	"app";
	"web";
	"all";
	"docker.io/library/debian:12" [shape=ellipse];
	"docker.io/library/debian:12" -> "base";
	"base" -> "java";
	"java" -> "app";
	"tools" -> "app" [style=dashed];
	"docker.io/library/debian:12" -> "app" [style=dashed];
	"java" -> "web";
	"app" -> "all";
	"web" -> "all" [style=dashed];
}
`
	g := fleet(t)
	if got := DOT(g.Targets); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	some, err := g.Select("app", "all")
	if err != nil {
		t.Fatal(err)
	}
	want = `digraph plinth {
	rankdir=LR;
	node [shape=box];
	"app";
	"all";
	"docker.io/library/debian:12" [shape=ellipse];
	"docker.io/library/debian:12" -> "app" [style=dashed];
	"app" -> "all";
}
`
	if got := DOT(some); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := dotString(`a"b\c`); got != `"a\"b\\c"` {
		t.Errorf("got %s", got)
	}
}

func TestMermaid(t *testing.T) {
	want := `flowchart LR
    t0["base"]
    t1["java"]
    t2["tools"]
    t3["app"]
    t4["web"]
    t5["all"]
    u0(["docker.io/library/debian:12"])
    u0 --> t0
    t0 --> t1
    t1 --> t3
    t2 -.-> t3
    u0 -.-> t3
    t1 --> t4
    t3 --> t5
    t4 -.-> t5
`
	if got := Mermaid(fleet(t).Targets); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestArrowsAreMerged has one parent named twice, the second time as the base.
func TestArrowsAreMerged(t *testing.T) {
	g := build(t, map[string]string{"a": "FROM scratch", "b": "FROM scratch AS x\nCOPY --from=a / /\nFROM local-image/a\nCOPY --from=x / /"})
	want := "flowchart LR\n    t0[\"a\"]\n    t1[\"b\"]\n    t0 --> t1\n"
	if got := Mermaid(g.Targets); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
