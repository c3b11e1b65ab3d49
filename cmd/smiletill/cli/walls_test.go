package cli_test

import (
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// The walls of the house. Each is a rule with its reason; the test walks every Go file of the project and
// fails with that reason. TestWallsCanFail shows each rule something that breaks it.

const module = "smiletill/"

// rooms lists what each package may import besides the standard library, and in its tests whatever it likes
// of other modules. "C" stands for cgo.
var rooms = map[string][]string{
	"models": {},
	"vision": {module + "models"},
	"vision/tflite": {
		"C",
		"github.com/mattn/go-tflite",
		"golang.org/x/sys/unix",
		module + "vision/tflite/headers",
	},
	"vision/edgetpu":  {},
	"vision/gallery":  {"golang.org/x/text/unicode/norm"},
	"vision/spline":   {},
	"vision/visits":   {module + "vision/spline"},
	"vision/attacks":  {module + "vision/spline"},
	"vision/accuracy": {"golang.org/x/sync/errgroup"},
	"vision/networks": {module + "models", module + "vision"},
	"payment":         {},
	"payment/journal": {
		"modernc.org/sqlite",
		"github.com/gowebpki/jcs",
		"github.com/google/uuid", "golang.org/x/sys",
		module + "payment",
	},
	"payment/report": {"github.com/eclipse/paho.mqtt.golang", "github.com/cloudevents/sdk-go/v2",
		module + "payment/report/link", module + "payment/report/signature"},
	"payment/report/signature": {"github.com/go-jose/go-jose/v4", "github.com/gowebpki/jcs"},
	"payment/cloud": {"github.com/cloudevents/sdk-go/v2", "github.com/gowebpki/jcs", "modernc.org/sqlite",
		"github.com/mochi-mqtt/server/v2", module + "payment/report", module + "payment/cloud/fleet"},
	"payment/report/claim": {"github.com/schollz/pake/v3", module + "payment/report"},
	"payment/cloud/fleet":  {"modernc.org/sqlite", module + "payment/report"},
	"payment/pin":          {"golang.org/x/crypto", "modernc.org/sqlite", module + "payment"},
	"payment/register": {"modernc.org/sqlite", "golang.org/x/sys/unix", "github.com/rivo/uniseg",
		"golang.org/x/text/unicode/norm", module + "payment"},
	"payment/sim":     {},
	"payment/vending": {module + "payment"},

	"payment/vending/machine":     {}, // shares no code with the reader that is tried on it
	"payment/vending/vendingtest": {module + "payment"},

	"device": {"periph.io/x/conn/v3"},
	"device/camera": {"github.com/blackjack/webcam", "github.com/ebitengine/purego",
		"golang.org/x/image/webp", "golang.org/x/sys/unix"},
	"device/screen": {"rsc.io/qr"},
	"device/serial": {"go.bug.st/serial", "golang.org/x/sys/unix"},
	"device/bench":  {"golang.org/x/sys/unix"},

	"device/watchdog": {"golang.org/x/sys/unix"},
	"device/tpm":      {"github.com/google/go-tpm"},
	"device/wiring": {"github.com/pelletier/go-toml/v2", "periph.io/x/conn/v3", module + "device",
		module + "device/lines"},
	"device/lines": {"periph.io/x/conn/v3", "periph.io/x/host/v3", "golang.org/x/sys/unix"},

	"device/bench/remote": {module + "device/bench"},
	"device/bench/guest":  {"golang.org/x/sys/unix", module + "device/bench"},
}

// The rooms of the program. Only they see more than one wing; what each may import of the project.
const program = "cmd/smiletill"

// wings are what a room that crosses may import; a path stands for all that is below it.
var wings = []string{"payment", "vision", "device", "models"}

var programRooms = map[string][]string{
	"":        {program + "/cli"},
	"cli":     append([]string{program}, wings...),
	"config":  {program + "/columns", "payment"},
	"control": {program + "/people", "payment"},
	"people":  {"payment"},
	"intent":  {program + "/people", "payment"},
	"storage": {"payment"},
	"front":   {"payment", "vision", "device"},
	"alarm":   {program + "/config", "payment"},
	"counter": {program + "/books", program + "/control", program + "/front", program + "/people", "payment",
		"device/screen"},
	"backup":   {program + "/vault", program + "/witness", "payment", "vision/gallery"},
	"vault":    {program + "/config", program + "/witness", "payment", "device/tpm", "vision/gallery"},
	"claiming": {program + "/config", program + "/front", "payment", "device/screen"},
	"terminal": append([]string{program + "/alarm", program + "/backup", program + "/claiming",
		program + "/config",
		program + "/control", program + "/counter", program + "/doctor", program + "/enrolment", program + "/files",
		program + "/front", program + "/intent", program + "/light", program + "/narrow",
		program + "/pairing", program + "/people", program + "/reporting", program + "/storage",
		program + "/update", program + "/vault", program + "/vending", program + "/witness"}, wings...),
	"erasure": {program + "/alarm", program + "/claiming", program + "/config", program + "/control",
		program + "/people", program + "/reporting", program + "/setup", program + "/vault", program + "/witness",
		"payment", "device"},
	"reporting": {program + "/config", program + "/vault", "payment"},
	"witness":   {"payment"},
	"narrow":    {"vision"},
	"doctor": append([]string{program + "/alarm", program + "/columns", program + "/config",
		program + "/control", program + "/files", program + "/update", program + "/vault"}, wings...),
	"update": {program + "/config", program + "/control", program + "/front", program + "/intent",
		program + "/setup", "payment", "device/screen"},
	"enrolment": append([]string{program + "/control", program + "/front", program + "/intent",
		program + "/people", program + "/storage", program + "/witness"}, wings...),
	"columns": {},
	"kiosk":   {},
	"pairing": {program + "/columns", program + "/config", program + "/control", program + "/intent",
		program + "/storage", "payment", "device/screen"},
	"books": {program + "/columns", "payment"},
	"demo": append([]string{program + "/columns", program + "/config", program + "/control",
		program + "/enrolment", program + "/files", program + "/reporting", program + "/terminal",
		program + "/vending"}, wings...),
	"files": append([]string{program + "/alarm", program + "/columns", program + "/config", program + "/control",
		program + "/enrolment", program + "/intent", program + "/people", program + "/vault"}, wings...),
	"trial": append([]string{program + "/columns", program + "/config", program + "/control",
		program + "/intent"}, wings...),
	"rates": append([]string{program + "/columns", program + "/config", program + "/light", program + "/trial"},
		wings...),
	"till":    {program + "/columns", program + "/config", program + "/control", "payment"},
	"cloud":   {program + "/columns", program + "/config", program + "/people", "payment", "vision"},
	"flash":   {"payment"},
	"setup":   {program + "/config", program + "/intent", "payment"},
	"light":   {"device/camera", "device/screen", "payment", "vision"},
	"vending": {program + "/columns", program + "/config", "payment", "device/screen", "device/serial"},

	"terminal/terminaltest": append([]string{program}, wings...),
}

// usedBy lists the only rooms of the program that may import one, for the reason given.
var usedBy = map[string]struct {
	rooms []string
	why   string
}{
	"cli": {[]string{""}, "main alone imports cli: nobody else runs command lines"},
	"terminal": {
		[]string{"cli", "demo"},
		"terminal is imported by cli and demo alone: others talk to it by control",
	},
}

type importFact struct {
	pkg, imp string
	test     bool
}

// wing is the first word of a package inside the project: payment, device, vision, models or cmd.
func wing(pkg string) string {
	w, _, _ := strings.Cut(strings.TrimPrefix(pkg, module), "/")
	return w
}

// checkImport gives the reason for which a package may not import another, or "".
func checkImport(f importFact) string {
	inside := strings.HasPrefix(f.imp, module)
	const bench = "device/bench"
	if strings.HasPrefix(f.imp+"/", module+bench+"/") && !f.test && !strings.HasPrefix(f.pkg, bench) {
		return "device/bench is for tests on emulated drivers; what ships does not carry it"
	}
	if strings.HasSuffix(f.imp, "test") && inside && !f.test && !strings.HasSuffix(f.pkg, "test") {
		return "a ...test package is for tests; what ships does not carry it"
	}
	switch wing(f.pkg) {
	case "cmd":
		return checkProgram(f)
	case "systemd", "buildroot":
		return "" // tests of units and images, which may use whatever they like
	}
	if inside {
		from, to := wing(f.pkg), wing(f.imp)
		switch {
		case to == "cmd":
			return "only the wiring in cmd sees every wing; nothing imports it"
		case to == "models" && from != "vision" && from != "models":
			return "only vision/... imports models: no other wing has a use for weights"
		case to != "models" && from != to:
			return "payment, device and vision never import each other: std types cross, and only in cmd"
		}
	}
	if f.test {
		return ""
	}
	if inside && !strings.Contains(f.pkg, "/") && strings.HasPrefix(f.imp, module+f.pkg+"/") {
		return "a wing's root imports none of its children: they are handed to it as interfaces"
	}
	if inside && strings.HasPrefix(f.pkg+"/", strings.TrimPrefix(f.imp, module)+"/") &&
		strings.Count(f.pkg, "/") == 2 {
		return "" // a generator below a room uses that room
	}
	std := !strings.Contains(strings.SplitN(f.imp, "/", 2)[0], ".") && !inside && f.imp != "C"
	if std {
		return ""
	}
	if f.imp == "C" && f.pkg != "vision/tflite" && f.pkg != "vision/tflite/headers" {
		return "cgo lives in vision/tflite alone, so that the rest builds and tests anywhere"
	}
	room, known := rooms[roomOf(f.pkg)]
	if !known {
		return "no such room: add it to the tables here and in ARCHITECTURE.md, with what it may import"
	}
	for _, allowed := range room {
		if f.imp == allowed || strings.HasPrefix(f.imp, strings.TrimSuffix(allowed, "/")+"/") {
			return ""
		}
	}
	return fmt.Sprintf("the room %s may import %v besides the standard library", f.pkg, room)
}

// checkProgram is checkImport for the rooms of the program.
func checkProgram(f importFact) string {
	room := strings.TrimPrefix(strings.TrimPrefix(f.pkg, program), "/")
	allowed, known := programRooms[room]
	switch {
	case !known:
		return "no such room of the program: add it to the tables here and in ARCHITECTURE.md"
	case f.test:
		return ""
	case f.imp == "text/tabwriter":
		return "text/tabwriter counts characters, not the columns that they take: use the room columns"
	case f.imp == "github.com/spf13/cobra" && room != "cli":
		return "flags and words are cli's: the other rooms are called with arguments"
	case !strings.HasPrefix(f.imp, module):
		return ""
	}
	imp := strings.TrimPrefix(f.imp, module)
	if only, ok := usedBy[strings.TrimPrefix(imp, program+"/")]; ok && !slices.Contains(only.rooms, room) &&
		!strings.HasSuffix(room, "test") {
		return only.why
	}
	for _, a := range allowed {
		if imp == a || strings.HasPrefix(imp, a+"/") {
			return ""
		}
	}
	return fmt.Sprintf("the room %s may import %v of the project", f.pkg, allowed)
}

// roomOf gives a package below a listed room (a generator, say) that room's rights.
func roomOf(pkg string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := rooms[p]; ok && strings.Count(p, "/") == 1 || p == pkg && ok {
			return p
		}
	}
	return pkg
}

func TestWallsBetweenRooms(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, imp := range f.ast.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			fact := importFact{pkg: f.pkg, imp: name, test: strings.HasSuffix(f.path, "_test.go")}
			if why := checkImport(fact); why != "" {
				t.Errorf("%s imports %s: %s", f.path, name, why)
			}
		}
	}
}

func TestWallsCanFail(t *testing.T) {
	broken := []struct {
		name string
		fact importFact
		why  string
	}{
		{
			"payment sees vision",
			importFact{"payment/journal", "smiletill/vision", false},
			"never import each other",
		},
		{"even in a test", importFact{"device/screen", "smiletill/payment", true}, "never import each other"},
		{"device sees models", importFact{"device", "smiletill/models", false}, "only vision/... imports models"},
		{"root sees its child", importFact{"payment", "smiletill/payment/journal", false}, "none of its children"},
		{"wing sees cmd", importFact{"vision", "smiletill/cmd/smiletill", false}, "nothing imports it"},
		{"cgo elsewhere", importFact{"device/camera", "C", false}, "cgo lives in vision/tflite"},
		{"a module too many", importFact{"payment", "github.com/google/uuid", false}, "may import"},
		{"the bench ships", importFact{program + "/cli", "smiletill/device/bench", false}, "for tests"},
		{"unknown room", importFact{"payment/util", "github.com/google/uuid", false}, "no such room"},
		{"main sees a room", importFact{program, "smiletill/cmd/smiletill/terminal", false}, "cli and demo alone"},
		{"a room sees cli", importFact{program + "/demo", "smiletill/cmd/smiletill/cli", false}, "main alone"},
		{"trial sees the terminal", importFact{program + "/trial", "smiletill/cmd/smiletill/terminal", false},
			"cli and demo alone"},
		{
			"config crosses",
			importFact{program + "/config", "smiletill/device/wiring", false},
			"columns payment]",
		},
		{"control crosses", importFact{program + "/control", "smiletill/vision/gallery", false},
			"people payment]"},
		{"till sees faces", importFact{program + "/till", "smiletill/vision", false}, "may import"},
		{"cloud sees devices", importFact{program + "/cloud", "smiletill/device", false}, "may import"},
		{"terminal sees trial", importFact{program + "/terminal", "smiletill/cmd/smiletill/trial", false},
			"may import"},
		{"trial sees rates", importFact{program + "/trial", "smiletill/cmd/smiletill/rates", false}, "may import"},
		{"demo sees till", importFact{program + "/demo", "smiletill/cmd/smiletill/till", false}, "may import"},
		{"flags elsewhere", importFact{program + "/cloud", "github.com/spf13/cobra", false}, "flags and words"},
		{"a room too many", importFact{program + "/util", "fmt", false}, "no such room of the program"},
		{"tests ship", importFact{program + "/cli", "smiletill/cmd/smiletill/terminal/terminaltest", false},
			"for tests"},
	}
	for _, c := range broken {
		if why := checkImport(c.fact); !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, want a reason with %q", c.name, why, c.why)
		}
	}
	for _, ok := range []importFact{
		{"payment/journal", "smiletill/payment", false}, {"vision/tflite", "C", false},
		{program, "smiletill/cmd/smiletill/cli", false}, {"vision", "smiletill/models", false},
		{program + "/terminal", "smiletill/vision", false}, {program + "/cli", "github.com/spf13/cobra", false},
		{program + "/till", "smiletill/payment/register", false},
		{"device", "periph.io/x/conn/v3/gpio", false}, {"device/camera", "smiletill/device/bench", true},
		{"device/bench/guest", "smiletill/device/bench", false},
		{"payment/report", "github.com/stretchr/testify", true},
	} {
		if why := checkImport(ok); why != "" {
			t.Errorf("%v is refused: %s", ok, why)
		}
	}
}

func TestTopLevelIsTheOwners(t *testing.T) {
	out, err := exec.Command("git", "-C", terminaltest.Root(t), "ls-files").Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	fixed := []string{
		"cmd",
		"device",
		"vision",
		"payment",
		"models",
		"systemd",
		"buildroot",
		"go.mod",
		"go.sum",
		"Makefile",
		"README.md",
		"ARCHITECTURE.md",
		"LICENSE",
		"CHANGELOG.md",
	}
	for _, f := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(fixed, top) {
			t.Errorf("%s: %q does not belong at the top; it holds %v and dot files", f, top, fixed)
		}
		for _, bad := range []string{"util", "common", "types", "interfaces", "manager"} {
			if slices.Contains(strings.Split(path.Dir(f), "/"), bad) {
				t.Errorf("%s: a folder %q says nothing about what is in it", f, bad)
			}
		}
	}
}
