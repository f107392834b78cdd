package image

import (
	"strconv"
	"strings"
)

// alternative is one call of update-alternatives in a maintainer script:
// --install link name target priority. TRIPLET stands for the architecture's.
type alternative struct {
	link, name, target string
	priority           int
}

// alternativesTable holds the choices that programs in images without a shell
// still rely on, as the scripts of Debian 12 and 13 register them. A line counts
// when its target is in the image; of one name the highest priority wins. Java's
// tools are not here: their packages list them in .jinfo files.
var alternativesTable = []alternative{
	// mawk, gawk, original-awk: scripts call awk
	{"/usr/bin/awk", "awk", "/usr/bin/mawk", 5},
	{"/usr/bin/awk", "awk", "/usr/bin/gawk", 10},
	{"/usr/bin/awk", "awk", "/usr/bin/original-awk", 0},
	{"/usr/bin/nawk", "nawk", "/usr/bin/mawk", 5},
	{"/usr/bin/nawk", "nawk", "/usr/bin/gawk", 10},
	// debianutils: which moved behind an alternative in Debian 12
	{"/usr/bin/which", "which", "/usr/bin/which.debianutils", 0},
	// netcat: health checks
	{"/bin/nc", "nc", "/bin/nc.openbsd", 50},
	{"/bin/nc", "nc", "/bin/nc.traditional", 10},
	{"/bin/netcat", "netcat", "/bin/nc.openbsd", 50},
	{"/bin/netcat", "netcat", "/bin/nc.traditional", 10},
	// php: the command is versioned, #! lines are not
	{"/usr/bin/php", "php", "/usr/bin/php8.2", 82},
	{"/usr/bin/php", "php", "/usr/bin/php8.4", 84},
	{"/usr/bin/phar", "phar", "/usr/bin/phar8.2", 82},
	{"/usr/bin/phar", "phar", "/usr/bin/phar8.4", 84},
	{"/usr/sbin/php-fpm", "php-fpm", "/usr/sbin/php-fpm8.2", 82},
	{"/usr/sbin/php-fpm", "php-fpm", "/usr/sbin/php-fpm8.4", 84},
	// compilers: make and configure call cc and c++
	{"/usr/bin/cc", "cc", "/usr/bin/gcc", 20},
	{"/usr/bin/c++", "c++", "/usr/bin/g++", 20},
	// node: old scripts call nodejs's other name
	{"/usr/bin/js", "js", "/usr/bin/nodejs", 50},
	// linear algebra: numpy and R load these by the plain name
	{"/usr/lib/TRIPLET/libblas.so.3", "libblas.so.3-TRIPLET", "/usr/lib/TRIPLET/blas/libblas.so.3", 10},
	{"/usr/lib/TRIPLET/libblas.so.3", "libblas.so.3-TRIPLET", "/usr/lib/TRIPLET/openblas-pthread/libblas.so.3", 100},
	{"/usr/lib/TRIPLET/liblapack.so.3", "liblapack.so.3-TRIPLET", "/usr/lib/TRIPLET/lapack/liblapack.so.3", 10},
	{"/usr/lib/TRIPLET/liblapack.so.3", "liblapack.so.3-TRIPLET", "/usr/lib/TRIPLET/openblas-pthread/liblapack.so.3", 100},
	// less, more: git and psql look for pager
	{"/usr/bin/pager", "pager", "/usr/bin/less", 77},
	{"/usr/bin/pager", "pager", "/bin/more", 50},
}

// triplets are the multiarch names of architectures.
var triplets = map[string]string{
	"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "armel": "arm-linux-gnueabi", "armhf": "arm-linux-gnueabihf",
	"i386": "i386-linux-gnu", "mips64el": "mips64el-linux-gnuabi64", "ppc64el": "powerpc64le-linux-gnu",
	"riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
}

// expand fills in the architecture.
func (a alternative) expand(arch string) alternative {
	for _, s := range []*string{&a.link, &a.name, &a.target} {
		*s = strings.ReplaceAll(*s, "TRIPLET", triplets[arch])
	}
	return a
}

// jinfo is what a Java package says about its tools, for update-java-alternatives(8).
type jinfo struct {
	priority int
	tools    []javaTool
}

type javaTool struct{ name, path string }

// parseJinfo reads a .jinfo file: NAME=value lines, then "kind tool path" lines,
// where the kind says which package has the tool. Lines of another form are skipped.
func parseJinfo(data []byte) jinfo {
	var j jinfo
	for line := range strings.SplitSeq(string(data), "\n") {
		if v, ok := strings.CutPrefix(line, "priority="); ok {
			j.priority, _ = strconv.Atoi(strings.TrimSpace(v)) // 0 is as good as any
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 || strings.Contains(f[1], "/") {
			continue
		}
		switch f[0] {
		case "hl", "jre", "jdk", "jdkhl":
			j.tools = append(j.tools, javaTool{f[1], f[2]})
		}
	}
	return j
}
