#!/bin/sh
# job.sh NAME COMMAND...: one of the jobs that make runs side by side. Its words go to $JOBS/NAME.log, and are shown if it
# fails; meanwhile a line says when it begins and when it ends, and what it took of the clock and of a processor.
# job.sh --table: all of that, the longest first. Seconds are counted from the first job on.
set -u
: "${JOBS:?says where the logs go}"
since() { echo $(($(date +%s) - $(cat "$JOBS/began"))); }
if [ "$1" = --table ]; then
	printf '%9s %9s %10s  %s\n' begun_s took_s cpu_s job
	sort -k2,2nr "$JOBS/times" | awk '{printf "%9d %9d %10.0f  %s\n", $1, $2, $3, $4; n += $3} END {printf "%30.0f  in all\n", n}'
	exit
fi
name=$1 log=$JOBS/$1.log
shift
mkdir -p "$JOBS"
[ -e "$JOBS/began" ] || date +%s >"$JOBS/began"
begun=$(since)
printf '%5d s  %s begins, see %s\n' "$begun" "$name" "${log#"$PWD"/}"
"$@" >"$log" 2>&1
status=$?
took=$(($(since) - begun))
times >"$log.times" # its second line is what the shell's children took, and none of it in another shell, as of a pipe
cpu=$(awk 'NR == 2 {for (i = 1; i <= 2; i++) {split($i, t, /[ms]/); n += 60 * t[1] + t[2]} print n}' "$log.times")
rm "$log.times"
echo "$begun $took $cpu $name" >>"$JOBS/times"
if [ $status != 0 ]; then
	cat "$log"
	printf '%5d s  %s FAILED after %d s; see above, and %s\n' "$(since)" "$name" $took "$log"
	exit $status
fi
grep -hE '^ *SKIPPED|^(ok|---) .*[0-9]s|: [0-9,]+ days with ' "$log" | sed 's/^/         /'
printf '%5d s  %s is done: %d s, %.0f s of a processor\n' "$(since)" "$name" $took "$cpu"
