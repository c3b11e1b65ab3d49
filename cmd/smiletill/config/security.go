package config

// SecurityConfig says what keys are sealed to: TPM is TPMOff for none, which is the default, TPMAuto for this
// machine's TPM 2.0 if it has one, or the path of one, which has to be there then.
type SecurityConfig struct{ TPM string }

// What may stand for a path in SecurityConfig.TPM.
const (
	TPMAuto = "auto"
	TPMOff  = "off"
)

func (c *Config) securityOptions() []option {
	return []option{{"security.tpm", &c.Security.TPM, "seal keys to a TPM 2.0: off, auto, or its device",
		matches(TPMAuto+`|`+TPMOff+`|/.+`, `"auto", "off" or the path of a device, like "/dev/tpmrm0"`)}}
}
