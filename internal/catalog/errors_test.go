package catalog

import (
	"testing"

	"github.com/plinth-build/plinth/internal/ociref"
)

// other is a platform that this machine does not build for.
func other() string {
	if ociref.Host().Arch == "amd64" {
		return "linux/arm64"
	}
	return "linux/amd64"
}

func TestConfigErrors(t *testing.T) {
	host := ociref.Host().String()
	for name, tc := range map[string]struct{ file, want string }{
		"empty":        {"", "plinth.yaml:1:1: cannot use plinth.yaml: the key registry is missing\n  say where releases go: registry: registry.example.com/base"},
		"comment only": {"# x\n", "plinth.yaml:1:1: cannot use plinth.yaml: the key registry is missing\n  say where releases go: registry: registry.example.com/base"},
		"missing registry beside other problems": {
			"stat: x\n",
			"plinth.yaml:1:1: cannot use plinth.yaml: the key registry is missing\n  say where releases go: registry: registry.example.com/base\n" +
				"plinth.yaml:1:1: cannot use the key \"stat\": it is unknown\n  did you mean state?",
		},
		"unknown without a neighbour": {
			minimal + "  \nwhatever: 1\n",
			"plinth.yaml:3:1: cannot use the key \"whatever\": it is unknown\n" +
				"  the keys are: registry, aliases, images, args, labels, platforms, refresh, debian, flavours, flavour-name, default-flavour, squash, temp, tags, secrets, lint, state",
		},
		"key of a later version": {
			minimal + "patch-days: own\n",
			"plinth.yaml:2:1: cannot use the key \"patch-days\": it is unknown\n" +
				"  the keys are: registry, aliases, images, args, labels, platforms, refresh, debian, flavours, flavour-name, default-flavour, squash, temp, tags, secrets, lint, state",
		},
		"nested unknown": {
			minimal + "debian:\n  releases:\n    12:\n      sources:\n        - uri: http://x\n          suit: y\n",
			"plinth.yaml:6:11: cannot use a source without the key suite\n" +
				"plinth.yaml:7:11: cannot use the key \"suit\" in debian.releases.12.sources[0]: it is unknown\n  did you mean suite?",
		},
		"duplicate": {
			minimal + "state: a\nargs: {A: 1, A: 2}\nstate: b\nstate: c\n",
			"plinth.yaml:3:14: cannot use the key \"A\" twice: the first one is in line 3\n  remove one of them\n" +
				"plinth.yaml:4:1: cannot use the key \"state\" twice: the first one is in line 2\n  remove one of them\n" +
				"plinth.yaml:5:1: cannot use the key \"state\" twice: the first one is in line 2\n  remove one of them",
		},
		"types": {
			minimal + "images: a\nargs: [x]\nstate: 12\nrefresh: {a: b}\nlabels: {a: [1], b: }\naliases: [{a: b}, 1.5]\nplatforms: true\n",
			"plinth.yaml:2:9: cannot read images: want a list, found the text \"a\"\n  write it as a list: [a]\n" +
				"plinth.yaml:3:7: cannot read args: want a mapping (key: value), found a list\n" +
				"plinth.yaml:4:8: cannot read state: want text, found the number 12\n  put it in quotes: \"12\"\n" +
				"plinth.yaml:5:10: cannot read refresh: want text, found a mapping\n" +
				"plinth.yaml:6:13: cannot read labels.a: want text or a number, found a list\n" +
				"plinth.yaml:6:20: cannot read labels.b: it has no value\n  give it a value, or remove the key\n" +
				"plinth.yaml:7:11: cannot read aliases[0]: want text, found a mapping\n" +
				"plinth.yaml:7:19: cannot read aliases[1]: want text, found the number 1.5\n  put it in quotes: \"1.5\"\n" +
				"plinth.yaml:8:12: cannot read platforms: want a list, found the boolean true\n  write it as a list: [true]",
		},
		"list in place of the file": {"- a\n", "plinth.yaml:1:1: cannot read the file: want a mapping (key: value), found a list"},
		"broken":                    {minimal + "args: {A: 1\n", "plinth.yaml:2:7: cannot parse YAML: could not find flow mapping end token '}'"},
		"tab":                       {minimal + "args:\n\tA: 1\n", "plinth.yaml:3:1: cannot parse YAML: found character '\t' that cannot start any token"},
		"not UTF-8":                 {minimal + "state: \xff\n", "plinth.yaml: cannot parse YAML: the file is not UTF-8"},
		"two documents":             {minimal + "---\nstate: x\n", "plinth.yaml:3:1: cannot parse YAML: a second document begins here\n  keep one document in the file"},
		"merge key": {
			minimal + "args: &a {A: 1}\nlabels: {<<: *a}\n",
			"plinth.yaml:3:10: cannot merge mappings with <<\n  write the keys out",
		},
		"unknown anchor": {minimal + "args: *a\n", "plinth.yaml:2:7: cannot find the anchor &a"},
		"anchor in itself": {
			minimal + "labels: &a {x: *a}\n", "plinth.yaml:2:12: cannot read labels.x: want text or a number, found a mapping",
		},
		"tag": {minimal + "state: !!int 1\n", "plinth.yaml:2:8: cannot read state: want text, found the tag !!int"},
		"empty registry": {
			"registry: ''\n", "plinth.yaml:1:11: cannot use empty text as the registry\n  write it as registry.example.com/base",
		},
		"URL as registry": {
			"registry: https://r.example/x\n",
			"plinth.yaml:1:11: cannot use \"https://r.example/x\" as the registry: it is a URL\n  leave out the scheme: r.example/x",
		},
		"bad registry": {
			"registry: r.example/X\n",
			"plinth.yaml:1:11: cannot use \"r.example/X\" as the registry: it is not in lower case\n" +
				"  write it as registry.example.com/base: no scheme, no tag, lower case",
		},
		"tag in the registry": {
			"registry: r.example/x:1\n",
			"plinth.yaml:1:11: cannot use \"r.example/x:1\" as the registry: invalid reference format\n" +
				"  write it as registry.example.com/base: no scheme, no tag, lower case",
		},
		"alias of an alias": {minimal + "state: &a !!str *a\n", "plinth.yaml:2:16: cannot follow *a: it contains itself"},
		"official images": {
			"registry: docker.io/library\naliases: [library]\n",
			"plinth.yaml:1:11: cannot use \"docker.io/library\" as the registry: Docker's official images have that prefix\n" +
				"plinth.yaml:2:11: cannot use \"library\" as an alias: Docker's official images have that prefix",
		},
		"aliases": {
			minimal + "aliases: ['', 'A/*']\n",
			"plinth.yaml:2:11: cannot use empty text as an alias\n  write it as registry.example.com/base\n" +
				"plinth.yaml:2:15: cannot use \"A\" as an alias: it is not in lower case\n" +
				"  write it as registry.example.com/base: no scheme, no tag, lower case",
		},
		"globs": {
			minimal + "images: ['[', /a, 'a/../b', '', none, 'x/*']\n",
			"plinth.yaml:2:10: cannot use the glob \"[\": syntax error in pattern\n" +
				"plinth.yaml:2:15: cannot use the glob \"/a\": it leaves the catalog\n  globs are relative to the folder of plinth.yaml\n" +
				"plinth.yaml:2:19: cannot use the glob \"a/../b\": it leaves the catalog\n  globs are relative to the folder of plinth.yaml\n" +
				"plinth.yaml:2:29: cannot use an empty glob\n" +
				"plinth.yaml:2:33: cannot find an image folder that matches \"none\"\n  an image folder has a Dockerfile or an image.yaml\n" +
				"plinth.yaml:2:39: cannot find an image folder that matches \"x/*\"\n  an image folder has a Dockerfile or an image.yaml",
		},
		"platforms": {
			minimal + "platforms: [" + host + ", " + other() + ", linux]\n",
			"plinth.yaml:2:12: cannot build for more than one platform: 3 are listed\n  keep one of them\n" +
				"plinth.yaml:2:26: cannot build for " + other() + " on this machine, which builds for " + host + "\n" +
				"plinth.yaml:2:39: cannot read platform \"linux\": want os/arch, such as linux/amd64",
		},
		"refresh": {
			minimal + "refresh: dayly\n", "plinth.yaml:2:10: cannot use \"dayly\" as refresh\n  did you mean daily?",
		},
		"refresh with no neighbour": {
			minimal + "refresh: yearly-or-so\n",
			"plinth.yaml:2:10: cannot use \"yearly-or-so\" as refresh\n  write one of: always, daily, weekly, monthly, never",
		},
		"args": {
			minimal + "args: {a-b: 1, 1a: 2, '': 3, A_1: 4}\nlabels: {'': x}\n",
			"plinth.yaml:2:8: cannot use \"a-b\" as a name in args\n  names have letters, digits and _, and start with no digit\n" +
				"plinth.yaml:2:16: cannot use \"1a\" as a name in args\n  names have letters, digits and _, and start with no digit\n" +
				"plinth.yaml:2:23: cannot use \"\" as a name in args\n  names have letters, digits and _, and start with no digit\n" +
				"plinth.yaml:3:10: cannot use an empty name in labels",
		},
		"columns count bytes": {
			minimal + "labels: {é: ü, b: []}\n",
			"plinth.yaml:2:21: cannot read labels.b: want text or a number, found a list",
		},
		"debian": {
			minimal + "debian:\n  keyring: ../k\n  signers: [abc]\n  releases:\n    11: {sources: []}\n    12: {sources: []}\n    13: {}\n",
			"plinth.yaml:3:12: cannot use the keyring \"../k\": it lies outside the catalog\n  copy it into the catalog\n" +
				"plinth.yaml:4:13: cannot read the fingerprint \"abc\": want 40 or 64 hex digits\n  gpg --show-keys KEYRING prints fingerprints\n" +
				"plinth.yaml:6:5: cannot use Debian release \"11\"\n  plinth knows 12 and 13\n" +
				"plinth.yaml:7:5: cannot use Debian release 12: it has no sources\n" +
				"  add sources: [{uri: …, suite: …}], or remove the release to use the default\n" +
				"plinth.yaml:8:5: cannot use Debian release 13: it has no sources\n" +
				"  add sources: [{uri: …, suite: …}], or remove the release to use the default",
		},
		"debian sources": {
			minimal + "debian: {keyring: none, releases: {12: {sources: [{uri: ftp://x, suite: ''}]}}}\n",
			"plinth.yaml:2:19: cannot read the keyring none: no such file or directory\n" +
				"plinth.yaml:2:57: cannot use \"ftp://x\" as uri: want http://, https:// or file://\n" +
				"plinth.yaml:2:73: cannot use empty text as suite",
		},
		"keyring is a folder": {minimal + "debian: {keyring: .}\n", "plinth.yaml:2:19: cannot read the keyring .: it is not a file"},
		"state": {
			minimal + "state: ../x\n",
			"plinth.yaml:2:8: cannot use \"../x\" as the state folder: it leaves the catalog\n  write a folder in the catalog, or an absolute path",
		},
		"state is the catalog": {
			minimal + "state: ./\n",
			"plinth.yaml:2:8: cannot use \"./\" as the state folder: the catalog lies in it\n  name a folder of its own, such as .plinth",
		},
		"state is above the catalog": {
			minimal + "state: /\n",
			"plinth.yaml:2:8: cannot use \"/\" as the state folder: the catalog lies in it\n  name a folder of its own, such as .plinth",
		},
		"empty state": {minimal + "state: ''\n", "plinth.yaml:2:8: cannot use empty text as the state folder\n  remove the key to use .plinth"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(write(t, map[string]string{ConfigFile: tc.file}))
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if c != nil {
				t.Error("gives a catalog beside the error")
			}
		})
	}
}

func TestImageErrors(t *testing.T) {
	const pkg = "packages: []\n"
	for name, tc := range map[string]struct {
		dockerfile bool
		file, want string
	}{
		"neither": {
			file: "title: x\n",
			want: "a/image.yaml: cannot build a: the folder has neither a Dockerfile nor the key packages\n" +
				"  add a Dockerfile, or packages: [base-files, …] to image.yaml",
		},
		"empty": {
			file: "",
			want: "a/image.yaml: cannot build a: the folder has neither a Dockerfile nor the key packages\n" +
				"  add a Dockerfile, or packages: [base-files, …] to image.yaml",
		},
		"both": {
			dockerfile: true, file: "packages: [a]\n",
			want: "a/image.yaml:1:11: cannot build a from packages: the folder has a Dockerfile as well\n" +
				"  remove either the Dockerfile or the key packages",
		},
		"package keys beside a Dockerfile": {
			dockerfile: true, file: "env: {A: b}\nmode: full\n",
			want: "a/image.yaml:1:6: cannot use env in an image with a Dockerfile: it is for images made of packages\n" +
				"  write it in the Dockerfile, and remove the key\n" +
				"a/image.yaml:2:7: cannot use mode in an image with a Dockerfile: it is for images made of packages\n" +
				"  write it in the Dockerfile, and remove the key",
		},
		"stage that is not there": {
			dockerfile: true, file: "target: finl\n",
			want: "a/image.yaml:1:9: cannot find stage \"finl\"\n  did you mean final?",
		},
		"stage of a package image": {
			file: pkg + "target: x\n", want: "a/image.yaml:2:9: cannot use target in an image without a Dockerfile\n  remove the key",
		},
		"broken YAML alone": {
			file: "title: [\n", want: "a/image.yaml:1:8: cannot parse YAML: sequence end token ']' not found",
		},
		"empty texts": {
			dockerfile: true, file: "title: ''\ndescription: ''\nname: ''\nowners: ['']\n",
			want: "a/image.yaml:1:8: cannot use empty text as title\n  give it a value, or remove the key\n" +
				"a/image.yaml:2:14: cannot use empty text as description\n  give it a value, or remove the key\n" +
				"a/image.yaml:3:7: cannot use empty text as name\n  give it a value, or remove the key\n" +
				"a/image.yaml:4:10: cannot use empty text as an owner",
		},
		"matrix": {
			dockerfile: true, file: "args: {v: 1}\nmatrix:\n  Image: [1]\n  a-b: [1]\n  none: []\n  v: [1, '', '1']\n  w: x\n  u: [[1], [1]]\n",
			want: "a/image.yaml:1:8: cannot set the argument v: it is an axis of the matrix\n  remove one of them\n" +
				"a/image.yaml:3:3: cannot call an axis Image: templates have something else under that name\n  choose another name\n" +
				"a/image.yaml:4:3: cannot use \"a-b\" as an axis of the matrix\n" +
				"  axes become build arguments: letters, digits and _, with no digit in front\n" +
				"a/image.yaml:5:3: cannot use the axis none: it has no values\n  give it a list of values, or remove it\n" +
				"a/image.yaml:6:10: cannot use empty text as a value of the axis v\n" +
				"a/image.yaml:6:14: cannot use the value \"1\" twice in the axis v\n  remove one of them\n" +
				"a/image.yaml:7:6: cannot read matrix.w: want a list, found the text \"x\"\n  write it as a list: [x]\n" +
				"a/image.yaml:8:7: cannot read matrix.u[0]: want text or a number, found a list\n" +
				"a/image.yaml:8:12: cannot read matrix.u[1]: want text or a number, found a list",
		},
		"packages": {
			file: "packages: [a, Ab, a=1, ok1, ok1, 12, 'x-{{.v}}']\nmode: fat\ndebian: 11\nfrom: ''\nexclude: [_x]\ndocs: yes\n",
			want: "a/image.yaml:1:12: cannot use \"a\" as the name of a package\n" +
				"  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:1:15: cannot use \"Ab\" as the name of a package\n" +
				"  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:1:19: cannot use \"a=1\" as the name of a package\n" +
				"  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:1:29: cannot list the package ok1 twice: the first one is in line 1\n  remove one of them\n" +
				"a/image.yaml:1:34: cannot read packages[5]: want text, found the number 12\n  put it in quotes: \"12\"\n" +
				"a/image.yaml:2:7: cannot use \"fat\" as mode\n  write one of: distroless, full\n" +
				"a/image.yaml:3:9: cannot use Debian release \"11\"\n  plinth knows 12 and 13\n" +
				"a/image.yaml:4:7: cannot use empty text as from\n  name an image of the catalog, or remove the key\n" +
				"a/image.yaml:5:11: cannot use \"_x\" as the name of a package\n" +
				"  names have lower-case letters, digits and + - . in them; plinth.lock holds the versions\n" +
				"a/image.yaml:6:7: cannot read docs: want true or false, found the text \"yes\"",
		},
		"run-time settings": {
			file: pkg + "user: ''\nworkdir: srv\nstop-signal: TERM\nports: [0, 65536, 80, 80/tcp, 1/x]\nentrypoint: /bin/x\nenv: {A=: 1}\n",
			want: "a/image.yaml:2:7: cannot use empty text as user\n" +
				"a/image.yaml:3:10: cannot use \"srv\" as workdir: it is not absolute\n  begin it with a slash\n" +
				"a/image.yaml:4:14: cannot use \"TERM\" as stop-signal\n  write a name such as SIGTERM, or a number\n" +
				"a/image.yaml:5:9: cannot use \"0\" as a port\n  write a number from 1 to 65535, with an optional /tcp, /udp or /sctp\n" +
				"a/image.yaml:5:12: cannot use \"65536\" as a port\n  write a number from 1 to 65535, with an optional /tcp, /udp or /sctp\n" +
				"a/image.yaml:5:23: cannot list the port 80/tcp twice\n  remove one of them\n" +
				"a/image.yaml:5:31: cannot use \"1/x\" as a port\n  write a number from 1 to 65535, with an optional /tcp, /udp or /sctp\n" +
				"a/image.yaml:6:13: cannot read entrypoint: want a list, found the text \"/bin/x\"\n  write it as a list: [/bin/x]\n" +
				"a/image.yaml:7:7: cannot use \"A=\" as the name of an environment variable",
		},
		"files": {
			file: pkg + "files:\n  - {path: etc/a, content: x}\n  - {path: /etc/../a, source: f}\n  - {source: ../x, path: /a}\n" +
				"  - {source: /f, path: /b}\n  - {source: gone, path: /c}\n  - {source: sub, path: /d}\n  - {source: f, content: x, path: /e}\n" +
				"  - {path: /g}\n  - {content: x}\n  - {path: /h, content: x, mode: 0888, owner: root}\n  - {path: /i, content: x, mode: 10000, owner: '1:-2'}\n" +
				"  - {path: /j, source: out}\n",
			want: "a/image.yaml:3:12: cannot use \"etc/a\" as the path of a file: want an absolute path without . and ..\n" +
				"a/image.yaml:4:12: cannot use \"/etc/../a\" as the path of a file: want an absolute path without . and ..\n" +
				"a/image.yaml:5:14: cannot use \"../x\" as source: it lies outside the image's folder\n  copy the file into a\n" +
				"a/image.yaml:6:14: cannot use \"/f\" as source: it lies outside the image's folder\n  copy the file into a\n" +
				"a/image.yaml:7:14: cannot read the source gone: no such file or directory\n  the path is relative to a\n" +
				"a/image.yaml:8:14: cannot use \"sub\" as source: it is not a file\n  list the files one by one\n" +
				"a/image.yaml:9:5: cannot use a file with both source and content\n  remove one of them\n" +
				"a/image.yaml:10:5: cannot use a file with neither source nor content\n  add source: FILE, or content: TEXT\n" +
				"a/image.yaml:11:5: cannot use a file without the key path\n" +
				"a/image.yaml:12:34: cannot use \"0888\" as mode\n  write it in octal, such as 0644\n" +
				"a/image.yaml:12:47: cannot use \"root\" as owner\n  write uid:gid in numbers, in quotes, such as \"0:0\"\n" +
				"a/image.yaml:13:34: cannot use \"10000\" as mode\n  write it in octal, such as 0644\n" +
				"a/image.yaml:13:48: cannot use \"1:-2\" as owner\n  write uid:gid in numbers, in quotes, such as \"0:0\"\n" +
				"a/image.yaml:14:24: cannot use \"out\" as source: it is a link that leads outside the image's folder\n  copy the file into a",
		},
		"accounts": {
			file: pkg + "users:\n  - {name: Bad, uid: 1}\n  - {uid: 2}\n  - {name: x}\n  - {name: y, uid: 1, home: h, shell: s}\n  - {name: y, uid: -1, gid: x}\n" +
				"groups: [{name: g, gid: 5}, {name: g, gid: 5}, {name: '', gid: 2147483648}, {}]\n",
			want: "a/image.yaml:3:12: cannot use \"Bad\" as the name of a user\n  names have lower-case letters, digits, _ and -\n" +
				"a/image.yaml:4:5: cannot use a user without the key name\n" +
				"a/image.yaml:5:5: cannot use a user without the key uid\n" +
				"a/image.yaml:6:20: cannot use the uid 1 twice\n" +
				"a/image.yaml:6:29: cannot use \"h\" as home: it is not absolute\n" +
				"a/image.yaml:6:39: cannot use \"s\" as shell: it is not absolute\n" +
				"a/image.yaml:7:12: cannot add a user named y twice\n  remove one of them\n" +
				"a/image.yaml:7:20: cannot use \"-1\" as uid: want a number from 0 to 2147483647\n" +
				"a/image.yaml:7:29: cannot use \"x\" as gid: want a number from 0 to 2147483647\n" +
				"a/image.yaml:8:36: cannot add a group named g twice\n  remove one of them\n" +
				"a/image.yaml:8:44: cannot use the gid 5 twice\n" +
				"a/image.yaml:8:55: cannot use empty text as name\n" +
				"a/image.yaml:8:64: cannot use \"2147483648\" as gid: want a number from 0 to 2147483647\n" +
				"a/image.yaml:8:77: cannot use a group without the key gid\n" +
				"a/image.yaml:8:77: cannot use a group without the key name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a/image.yaml": tc.file, "a/f": "", "a/sub/x": ""}
			if tc.dockerfile {
				files["a/Dockerfile"] = "FROM x AS final"
			}
			root := write(t, files)
			symlink(t, "../plinth.yaml", root+"/a/out")
			c, err := Load(root)
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if c != nil {
				t.Error("gives a catalog beside the error")
			}
		})
	}
}

func TestProblemsOfAllFilesAtOnce(t *testing.T) {
	_, err := Load(write(t, map[string]string{
		ConfigFile:     "registry: A\nx: 1\n",
		"b/Dockerfile": "FORM a\n",
		"a/Dockerfile": "FROM a\nNOPENOPE",
		"a/image.yaml": "titel: x\n",
	}))
	want := "a/Dockerfile:2: cannot parse Dockerfile: unknown instruction: NOPENOPE\n" +
		"a/image.yaml:1:1: cannot use the key \"titel\": it is unknown\n  did you mean title?\n" +
		"b/Dockerfile:1: cannot parse Dockerfile: unknown instruction: FORM\n  did you mean FROM?\n" +
		"plinth.yaml:1:11: cannot use \"A\" as the registry: it is not in lower case\n" +
		"  write it as registry.example.com/base: no scheme, no tag, lower case\n" +
		"plinth.yaml:2:1: cannot use the key \"x\": it is unknown\n" +
		"  the keys are: registry, aliases, images, args, labels, platforms, refresh, debian, flavours, flavour-name, default-flavour, squash, temp, tags, secrets, lint, state"
	if got := report(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFlavourErrors(t *testing.T) {
	good := "ARG BASE\nFROM ${BASE}\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"unknown, in both files": {
			map[string]string{ConfigFile: minimal + "flavours: [inti, x+init]\n", "flavours/init/Dockerfile": good, "a/Dockerfile": "FROM x", "a/image.yaml": "flavours: [init+init, init, init]"},
			"a/image.yaml:1:12: cannot lay the flavour init over itself in init+init\n  name it once\n" +
				"a/image.yaml:1:29: cannot use the flavour init twice\n  remove one of them\n" +
				"plinth.yaml:2:12: cannot find the flavour inti: there is no folder flavours/inti\n  did you mean init?\n" +
				"plinth.yaml:2:18: cannot find the flavour x: there is no folder flavours/x\n  make flavours/x/Dockerfile, with ARG BASE and FROM ${BASE}",
		},
		"default that is not used": {
			map[string]string{ConfigFile: minimal + "default-flavour: init\n", "flavours/init/Dockerfile": good},
			"plinth.yaml:2:18: cannot use init as the default flavour: it is not one of flavours\n  add it to flavours:, or remove default-flavour",
		},
		"default of an image": {
			map[string]string{"flavours/init/Dockerfile": good, "a/Dockerfile": "FROM x", "a/image.yaml": "flavours: [init]\ndefault-flavour: x"},
			"a/image.yaml:2:18: cannot use x as the default flavour: it is not one of flavours\n  add it to flavours:, or remove default-flavour",
		},
		"folders": {
			map[string]string{"flavours/none/x": "", "flavours/a_b/Dockerfile": good, "flavours/bad/Dockerfile": "FORM x"},
			"flavours/a_b: cannot use \"a_b\" as the name of a flavour\n  flavours have lower-case letters and digits, with - between them\n" +
				"flavours/bad/Dockerfile:1: cannot parse Dockerfile: unknown instruction: FORM\n  did you mean FROM?\n" +
				"flavours/none: cannot use the flavour none: it has no Dockerfile\n  begin one with: ARG BASE, then FROM ${BASE}",
		},
		"keys of images": {
			map[string]string{"flavours/a/Dockerfile": good, "flavours/a/image.yaml": "name: x\nuser: 1\nargs: {A b: 1}"},
			"flavours/a/image.yaml:1:7: cannot use name in a flavour: it belongs to the image that the flavour is laid over\n  remove the key\n" +
				"flavours/a/image.yaml:2:7: cannot use user in a flavour: it belongs to the image that the flavour is laid over\n  remove the key\n" +
				"flavours/a/image.yaml:3:8: cannot use \"A b\" as a name in args\n  names have letters, digits and _, and start with no digit",
		},
		"temp, tags, version": {
			map[string]string{"a/Dockerfile": "FROM x", "a/image.yaml": "temp: [tmp, /, /a, /a/, /dev/shm, /devel]\ntags: []\nversion: ''\nsquash: al"},
			"a/image.yaml:1:8: cannot use \"tmp\" as a temp path: it is not absolute\n  begin it with a slash\n" +
				"a/image.yaml:1:13: cannot use / as a temp path: nothing would be left of the image\n" +
				"a/image.yaml:1:20: cannot use the temp path /a twice\n  remove one of them\n" +
				"a/image.yaml:1:25: cannot use /dev/shm as a temp path: the kernel's files are there\n" +
				"a/image.yaml:2:7: cannot use an empty list as tags: an image needs one\n  remove the key to use latest\n" +
				"a/image.yaml:3:10: cannot use empty text as version\n  give it a value, or remove the key\n" +
				"a/image.yaml:4:9: cannot use \"al\" as squash\n  did you mean all?",
		},
		"tags": {
			map[string]string{ConfigFile: minimal + "tags: ['', a, a]\nflavour-name: ''\n"},
			"plinth.yaml:2:8: cannot use empty text as a tag\n" +
				"plinth.yaml:2:15: cannot use the tag a twice\n  remove one of them\n" +
				"plinth.yaml:3:15: cannot use empty text as flavour-name\n  remove the key to use {{.Name}}-{{.Flavour}}",
		},
		"secrets": {
			map[string]string{ConfigFile: minimal + "secrets: {a: hunter2, b: env=, c: file=x}\n"},
			"plinth.yaml:2:14: cannot read the secret a: want env=NAME or src=FILE\n  a value itself does not belong into plinth.yaml\n" +
				"plinth.yaml:2:26: cannot read the secret b: want env=NAME or src=FILE\n  a value itself does not belong into plinth.yaml\n" +
				"plinth.yaml:2:35: cannot read the secret c: want env=NAME or src=FILE\n  a value itself does not belong into plinth.yaml",
		},
		"contexts": {
			map[string]string{
				"a/Dockerfile": "FROM x AS stage", "file": "",
				"a/image.yaml": "contexts:\n  up: ../x\n  gone: gone\n  f: file\n  A: a\n  stage: a\n",
				"b/image.yaml": "packages: [xy]\ncontexts: {a: a}",
			},
			"a/image.yaml:2:7: cannot use \"../x\" as a context: it leaves the catalog\n  contexts are folders of the catalog, relative to plinth.yaml\n" +
				"a/image.yaml:3:9: cannot use gone as a context: no such file or directory\n" +
				"a/image.yaml:4:6: cannot use file as a context: it is not a folder\n" +
				"a/image.yaml:5:3: cannot use \"A\" as the name of a context\n  names have lower-case letters, digits, - and _, as COPY --from=NAME takes them\n" +
				"a/image.yaml:6:3: cannot use stage as the name of a context: a stage of the Dockerfile has it\n  choose another name\n" +
				"b/image.yaml:2:11: cannot use contexts in an image without a Dockerfile\n  remove the key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, tc.files))
			if got := report(err); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}
