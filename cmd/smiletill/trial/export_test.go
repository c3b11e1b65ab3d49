package trial

import (
	"bytes"
	"image"
	"io"

	"smiletill/cmd/smiletill/config"
	"smiletill/vision/networks"
)

// What the tests of the commands know: what `smiletill bench --json` prints, the shape of a contact sheet.

type BenchReport = benchReport

func (r *benchReport) Print(out io.Writer) error { return r.print(out) }

const (
	BenchWarmUp = benchWarmUp
	Stages      = stages

	StageDetectCrop = stageDetectCrop
	StageEmbed      = stageEmbed
	StageWholeMJPG  = stageWholeMJPG

	SheetColumns, SheetRows = sheetColumns, sheetRows
)

func StageName(i int) string { return stageName(i) }

func SettingName(xnnpack bool, threads int) string { return settingName(xnnpack, threads) }

// TurnedBy is what `smiletill camera test` finds and says of pictures where camera.rotate is 90.
func TurnedBy(pictures []image.Image) (degrees int, says string, err error) {
	set, err := OpenModels(config.Default())
	if err != nil {
		return 0, "", err
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		return 0, "", err
	}
	defer l.Close()
	var s stance
	for _, m := range pictures {
		if err := s.look(l, m); err != nil {
			return 0, "", err
		}
	}
	var out bytes.Buffer
	s.print(&out, 90)
	return s.turned(), out.String(), nil
}
