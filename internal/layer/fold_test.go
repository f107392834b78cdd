package layer

import (
	"testing"
)

// folds are layers below, own layers, and what becomes of them, in the short form of parse.
var folds = []struct {
	name       string
	below, own []string
	want       string
}{
	{"one layer is sorted", nil, []string{"z=1 b/y=2 b/ a-b=3 a/b=4 a/"}, "a/ a/b=4 a-b=3 b/ b/y=2 z=1"},
	{"later entries replace", nil, []string{"a=1 b=2", "b=3 c=4"}, "a=1 b=3 c=4"},
	{"last of the same name in a layer", nil, []string{"a=1 a=2 d/ d/x=1 a=3 d/x=4"}, "a=3 d/ d/x=4"},
	{"names in other forms", nil, []string{"./ ./a=1 /b=2 c//d=3 e/./f=4 g/// ./g/h~./a /g/i~/b"}, "./ a=1 b=2 c/d=3 e/f=4 g/ g/h~a g/i~b"},
	{"blanks and dots in names", nil, []string{"a?b=1 ..c=2 d..=3 ...=4 .w=5 .wh=6"}, "...=4 ..c=2 .w=5 .wh=6 a?b=1 d..=3"},
	{"nothing", nil, []string{"", ""}, ""},
	{"no layer", []string{"a=1"}, nil, ""},

	{"whiteout of below", []string{"a=1 b=2"}, []string{"-a"}, "-a"},
	{"whiteout of nothing", []string{"a=1"}, []string{"-b -c/d"}, ""},
	{"whiteout in a file", []string{"a=1"}, []string{"-a/b"}, ""},
	{"whiteout of an own file", nil, []string{"a=1 b=2", "-a"}, "b=2"},
	{"whiteout of all own", []string{"x=1"}, []string{"d/ d/a=1", "-d"}, ""},
	{"whiteout of own over below", []string{"a=0"}, []string{"a=1", "-a"}, "-a"},
	{"whiteout of a directory", []string{"d/ d/a=1"}, []string{"d/ d/b=2", "-d"}, "-d"},
	{"whiteout in a directory", []string{"d/ d/a=1 d/b=2"}, []string{"d/ -d/a"}, "d/ -d/a"},
	{"whiteout in a directory that only a name tells of", []string{"d/a=1"}, []string{"-d/a"}, "-d/a"},
	{"whiteout of what below whited out", []string{"a=1", "-a"}, []string{"-a"}, ""},
	{"whiteout of what below hides", []string{"d/ d/a=1", "d/ !d d/b=1"}, []string{"-d/a -d/b"}, "-d/b"},
	{"whiteout before and after", []string{"a=0 b=0"}, []string{"-a a=1 b=2 -b"}, "a=1 b=2"},
	{"re-creation", []string{"a=0"}, []string{"-a", "a=1"}, "a=1"},
	{"re-creation of an own file", nil, []string{"a=1", "-a", "a=2"}, "a=2"},
	{"re-creation and whiteout again", []string{"a=0"}, []string{"-a", "a=1", "-a"}, "-a"},

	{"opaque", []string{"d/ d/a=1"}, []string{"d/ !d d/b=2"}, "d/ !d d/b=2"},
	{"opaque after its siblings", []string{"d/ d/a=1"}, []string{"d/ d/b=2 d/s/ d/s/c=3 !d"}, "d/ !d d/b=2 d/s/ d/s/c=3"},
	{"opaque before its directory", []string{"d/ d/a=1"}, []string{"!d d/ d/b=2"}, "d/ !d d/b=2"},
	{"opaque over own", []string{"d/ d/a=1"}, []string{"d/ d/x=1 d/s/ d/s/y=2", "d/ !d d/s/ d/s/z=3"}, "d/ !d d/s/ d/s/z=3"},
	{"opaque over nothing", nil, []string{"d/ d/x=1", "d/ !d d/y=2"}, "d/ d/y=2"},
	{"opaque over an empty directory", []string{"d/"}, []string{"d/ !d d/y=2"}, "d/ d/y=2"},
	{"opaque over an emptied directory", []string{"d/a=1", "-d/a"}, []string{"d/ !d d/y=2"}, "d/ d/y=2"},
	{"opaque over a file", []string{"d=1"}, []string{"d/ !d d/y=2"}, "d/ d/y=2"},
	{"opaque without an entry", []string{"d/ d/a=1"}, []string{"!d"}, "!d"},
	{"opaque below it whiteouts are void", []string{"d/ d/a=1"}, []string{"!d -d/a"}, "!d"},
	{"opaque of nothing", nil, []string{"!d"}, ""},
	{"opaque in a file", []string{"a=1"}, []string{"!a"}, ""},
	{"opaque root", []string{"a=1 d/b=2"}, []string{"!", "c=1"}, "! c=1"},
	{"opaque twice", []string{"d/ d/a=1 d/s/b=2"}, []string{"!d d/s/ !d/s"}, "!d d/s/"},
	{"opaque keeps what is implied", []string{"d/s/a=1"}, []string{"d/s/b=2 !d"}, "!d d/s/b=2"},

	{"directory to file", []string{"d/ d/a=1"}, []string{"d=1"}, "d=1"},
	{"own directory to file", nil, []string{"d/ d/a=1", "d=1"}, "d=1"},
	{"file to directory", []string{"d=1"}, []string{"d/ d/a=1"}, "d/ d/a=1"},
	{"directory to file to directory", []string{"d/ d/a=1"}, []string{"d=1", "d/ d/b=2"}, "d/ !d d/b=2"},
	{"file to directory to file", []string{"d=0"}, []string{"d/ d/a=1", "d=2"}, "d=2"},
	{"directory replaced", []string{"d/ d/a=1"}, []string{"-d", "d/ d/b=2"}, "d/ !d d/b=2"},
	{"directory replaced in one layer", []string{"d/ d/a=1"}, []string{"-d d/ d/b=2"}, "d/ !d d/b=2"},
	{"directory replaced, whiteout last", []string{"d/ d/a=1"}, []string{"d/ d/b=2 -d"}, "d/ !d d/b=2"},
	{"directory that below does not have replaced", []string{"x=1"}, []string{"d/ d/a=1", "-d", "d/ d/b=2"}, "d/ d/b=2"},
	{"directory replaced by one that only names tell of", []string{"d/ d/a=1"}, []string{"-d", "d/b=2"}, "d/ !d d/b=2"},
	{"file replaced by a directory that only names tell of", []string{"d=1"}, []string{"-d", "d/b=2"}, "d/ d/b=2"},
	{"directory replaced in a replaced one", []string{"d/e/a=1"}, []string{"-d", "d/ d/e/ d/e/b=2", "-d/e", "d/e/ d/e/c=3"}, "d/ !d d/e/ d/e/c=3"},
	{"merged directory", []string{"d/ d/a=1"}, []string{"d/ d/b=2"}, "d/ d/b=2"},
	{"symbolic link to directory", []string{"l->d"}, []string{"l/ l/a=1"}, "l/ l/a=1"},
	{"directory to symbolic link", []string{"d/ d/a=1"}, []string{"d->e"}, "d->e"},
	{"directory to symbolic link to directory", []string{"d/ d/a=1"}, []string{"d->e", "d/ d/b=1"}, "d/ !d d/b=1"},
	{"symbolic link to another", []string{"l->a"}, []string{"l->b", "l->c"}, "l->c"},
	{"other types", nil, []string{"p=1 q|", "p| q=2"}, "p| q=2"},

	{"implied directories stay implied", []string{"x/ x/y/"}, []string{"x/y/a=1 n/b=2"}, "n/b=2 x/y/a=1"},
	{"implied directory stays when it is emptied", []string{"x=1"}, []string{"n/s/a=1", "-n/s/a"}, "n/s/"},
	{"implied directory below is not repeated", []string{"n/s/"}, []string{"n/s/a=1", "-n/s/a"}, ""},
	{"implied directories go", nil, []string{"n/s/a=1", "-n"}, ""},
	{"implied directory in an opaque one", []string{"d/s/a=1"}, []string{"!d d/s/b=1", "-d/s/b"}, "!d d/s/"},
	{"through a symbolic link below", []string{"usr/lib/ lib->usr/lib usr/lib/b=1"}, []string{"lib/a=1 -lib/b"}, "usr/lib/a=1 -usr/lib/b"},
	{"through an absolute one", []string{"usr/lib/ etc/l->/usr/lib"}, []string{"etc/l/a=1"}, "usr/lib/a=1"},
	{"through one that leads up", []string{"a/b/l->../../../c"}, []string{"a/b/l/x=1"}, "c/x=1"},
	{"through an own one", nil, []string{"usr/lib/ lib->usr/lib", "lib/a=1"}, "lib->usr/lib usr/lib/ usr/lib/a=1"},
	{"through two", []string{"a->b b->./c/."}, []string{"a/x=1"}, "c/x=1"},
	{"not through one that is gone", []string{"l->d"}, []string{"-l", "l/x=1"}, "l/ l/x=1"},
	{"not through one that is hidden", []string{"d/l->e"}, []string{"!d d/l/x=1"}, "!d d/l/x=1"},
	{"not through one that became a directory", []string{"l->d"}, []string{"l/", "l/x=1"}, "l/ l/x=1"},

	{"hard links", nil, []string{"b=1 a~b c~a"}, "a=1 b~a c~a"},
	{"hard link to an earlier own layer", nil, []string{"b=1", "c~b"}, "b=1 c~b"},
	{"hard link to below", []string{"b=1"}, []string{"a~b"}, "a~b"},
	{"hard links to below", []string{"b=1"}, []string{"a~b", "c~a"}, "a~b c~b"},
	{"hard link to below that is gone", []string{"b=1"}, []string{"a~b c~b", "-b"}, "a=1 -b c~a"},
	{"hard link to below that is replaced", []string{"b=1"}, []string{"c~b", "b=2"}, "b=2 c=1"},
	{"hard link to below that is a directory now", []string{"b=1"}, []string{"c~b", "b/"}, "b/ c=1"},
	{"hard link to below that is hidden", []string{"d/b=1"}, []string{"c~d/b", "!d"}, "c=1 !d"},
	{"hard link to below in what is gone", []string{"d/b=1"}, []string{"c~d/b", "-d"}, "c=1 -d"},
	{"hard link to below in what is a file now", []string{"d/b=1"}, []string{"c~d/b", "d=2"}, "c=1 d=2"},
	{"hard link to below in a directory that is made anew", []string{"d/b=1"}, []string{"c~d/b", "-d", "d/x=1"}, "c=1 d/ !d d/x=1"},
	{"hard link to below with another name there", []string{"a=1 b~a"}, []string{"c~b", "-b"}, "-b c~a"},
	{"hard link to below with its first name gone", []string{"a=1 b~a"}, []string{"c~a", "a=2"}, "a=2 c~b"},
	{"hard link to below whose names are gone", []string{"a=1 b~a"}, []string{"c~b", "-a -b"}, "-a -b c=1"},
	{"hard link to below whose other name below lost", []string{"a=1 b~a", "-a"}, []string{"c~b", "-b"}, "-b c=1"},
	{"hard link to below whose other name below replaced", []string{"a=1 b~a", "a=2"}, []string{"c~b", "-b"}, "-b c=1"},
	{"hard link to below that takes the name", []string{"a=1 b=2"}, []string{"a~b"}, "a~b"},
	{"hard links to below that take each other's place", []string{"a=1 b~a"}, []string{"a~b", "-b"}, "a=1 -b"},
	{"hard link whose target is replaced later", nil, []string{"a=1 b~a c~a", "a=2"}, "a=2 b=1 c~b"},
	{"hard link whose target is gone later", nil, []string{"a=1 b~a c~b", "-a"}, "b=1 c~b"},
	{"hard link that is replaced later", nil, []string{"a=1 b~a", "b=2"}, "a=1 b=2"},
	{"hard link that is the only one left", nil, []string{"a=1 b~a", "-a"}, "b=1"},
	{"hard link over a directory", []string{"d/x=1 a=1"}, []string{"d~a"}, "d~a"},
	{"hard link through a symbolic link", []string{"usr/lib/x=1 lib->usr/lib"}, []string{"a~lib/x lib/b~lib/x"}, "a~usr/lib/x usr/lib/b~usr/lib/x"},
	{"hard link to a symbolic link", []string{"l->x"}, []string{"m->y n~m", "k~l", "-l"}, "k->x -l m->y n~m"},
	{"hard link to a pipe", nil, []string{"p| q~p", "-p"}, "q|"},
	{"what was linked stays when the link goes", []string{"a=1"}, []string{"b~a", "-b"}, ""},

	{"names of AUFS", nil, []string{".wh..wh.aufs= .wh..wh.plnk/ .wh..wh.plnk/1.2=x a=1"}, "a=1"},
}

func TestFold(t *testing.T) {
	for _, test := range folds {
		t.Run(test.name, func(t *testing.T) {
			var below, own [][]byte
			var all [][]file
			for _, l := range test.below {
				below, all = append(below, pack(t, parse(l))), append(all, parse(l))
			}
			lower := len(all)
			for _, l := range test.own {
				own, all = append(own, pack(t, parse(l))), append(all, parse(l))
			}
			got, _ := fold(t, blobs(t, asFile, below...), blobs(t, asFile, own...), Options{Epoch: epoch})
			files := unpack(t, got)
			if s := brief(files); s != test.want {
				t.Errorf("got  %s\nwant %s", s, test.want)
			}
			again, _ := fold(t, blobs(t, asFile, below...), blobs(t, asFile, got), Options{Epoch: epoch})
			if string(again) != string(got) {
				t.Errorf("folded again it is %s", brief(unpack(t, again)))
			}
			for _, how := range []string{asStream, asGzip, asZstd} {
				other, _ := fold(t, blobs(t, how, below...), blobs(t, how, own...), Options{Epoch: epoch, Index: Cache(t.TempDir())})
				if string(other) != string(got) {
					t.Errorf("as %s it is %s", how, brief(unpack(t, other)))
				}
			}
			if test.name == "names of AUFS" || test.name == "names in other forms" {
				return // the model knows no such names
			}
			want, err := overlay(all...)
			check(t, err)
			folded, err := overlay(append(all[:lower:lower], files)...)
			check(t, err)
			if want.String() != folded.String() {
				t.Errorf("the trees differ:\n%s", difference(want.String(), folded.String()))
			}
		})
	}
}
