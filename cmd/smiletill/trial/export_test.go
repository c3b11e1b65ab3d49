package trial

import "io"

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
