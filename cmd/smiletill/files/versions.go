package files

import "smiletill/models"

// Versions is what facts say of a set of models. The thresholds that decide are the manifest's, and no
// model's hash tells them.
func Versions(set models.Set) map[string]string {
	versions := map[string]string{"manifest": set.ManifestSHA256()[:16]}
	for _, one := range set.Manifest.Models {
		versions[string(one.Task)] = one.SHA256[:16]
	}
	return versions
}
