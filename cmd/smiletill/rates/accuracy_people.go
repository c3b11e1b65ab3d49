package rates

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision/accuracy"
	"smiletill/vision/networks"
)

// errata are pairs of an album's people who may be one.
type errata struct {
	apart [][2]int
	count accuracy.Errata
}

// readErrata reads known label errors: two names a line, a tab between them, and perhaps more after
// another. Pairs with a name that the album lacks are counted.
func (a *album) readErrata(path string) (e errata, err error) {
	if path == "" {
		return e, nil
	}
	const form = "write two names of people a line, with a tab between them"
	f, err := os.Open(path)
	if err != nil {
		return e, payment.WithHint(fmt.Errorf("read --errata: %w", err), "name a text file; "+form)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r ")
		if line == "" {
			continue
		}
		names := strings.Split(line, "\t")
		if len(names) < 2 || names[0] == "" || names[1] == "" || names[0] == names[1] {
			return e, payment.WithHint(fmt.Errorf("read --errata %s: line %d holds no two names", path, n), form)
		}
		one, known := a.number[names[0]]
		other, too := a.number[names[1]]
		if !known || !too {
			e.count.Unknown++
			continue
		}
		e.count.Pairs++
		e.apart = append(e.apart, [2]int{one, other})
	}
	if err := lines.Err(); err != nil {
		return e, payment.WithHint(fmt.Errorf("read --errata %s: %w", path, err), form)
	}
	return e, nil
}

// peopleFile tells of the people of an album, if it is there.
const peopleFile = "people.csv"

// readPeople groups an album's people by what people.csv says of them: a column of the folders' names
// first, and columns whose heads have age, gender, sex, eth or race in them.
func (a *album) readPeople() ([]accuracy.Group, error) {
	path := filepath.Join(a.dir, peopleFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("read the people of the photos: %w", err),
			"make it readable for this user, or move it away")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err == nil && len(rows) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("read %s: %w", path, err),
			"write a line with the names of the columns, then one a person, commas between; or move it away")
	}
	groups := map[string][]int{}
	for _, row := range rows[1:] {
		number, known := a.number[row[0]]
		if !known {
			continue
		}
		for c, value := range row[1:] {
			if name := groupOf(rows[0][c+1], value); name != "" {
				groups[name] = append(groups[name], number)
			}
		}
	}
	var all []accuracy.Group
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, accuracy.Group{Name: name, People: groups[name]})
	}
	return all, nil
}

// groupOf names the group that a value of a column puts somebody in; "" for none.
func groupOf(head, value string) string {
	head, value = strings.ToLower(head), strings.TrimSpace(value)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(head, p) })
	}
	switch {
	case value == "" || strings.EqualFold(value, "NA"):
		return ""
	case has("gender", "sex"):
		return "gender: " + value
	case has("eth", "race"):
		return "ethnicity: " + value
	case has("age"):
		return ageBand(value)
	}
	return ""
}

func ageBand(value string) string {
	age, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || !(age >= 0):
		return ""
	case age < 18:
		return "age: under 18"
	case age < 30:
		return "age: 18 to 29"
	case age < 45:
		return "age: 30 to 44"
	}
	return "age: 45 and over"
}

// expressionOf tells by its name what a photo shows.
func expressionOf(file string) accuracy.Expression {
	switch name := strings.ToLower(filepath.Base(file)); {
	case strings.HasPrefix(name, "neutral"):
		return accuracy.Neutral
	case strings.HasPrefix(name, "smiling"):
		return accuracy.Smiling
	}
	return accuracy.AnyExpression
}

// asked is what a terminal with the set asks for: the cosine in a gallery, and that of one comparison with
// one false accept in 1,000. oneIn is gallery.false_alarms.
func (s modelSet) asked(oneIn int) (
	cosine func(customers, templates int) float32, loose float32, err error,
) {
	t := s.set.Model(models.Embed).Thresholds
	tail, sized, err := networks.TailOf(s.set, oneIn)
	if err != nil || !sized {
		return func(int, int) float32 { return t.Match }, t.SameFace, err
	}
	return func(customers, templates int) float32 {
		counts := make([]int, templates+1)
		counts[templates] = customers
		return tail.Cosine(counts)
	}, t.SameFace, nil
}
