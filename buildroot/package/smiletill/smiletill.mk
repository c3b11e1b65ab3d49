################################################################################
#
# smiletill
#
################################################################################

SMILETILL_VERSION = local
SMILETILL_SITE = $(call qstrip,$(BR2_PACKAGE_SMILETILL_SOURCES))/src
SMILETILL_SITE_METHOD = local
SMILETILL_LICENSE = Apache-2.0
SMILETILL_LICENSE_FILES = LICENSE
SMILETILL_GOMOD = smiletill
SMILETILL_DEPENDENCIES = libtensorflowlite-c jpeg

# local sources are not vendored by Buildroot: prepare.sh has done it
SMILETILL_BUILD_TARGETS = cmd/smiletill
SMILETILL_GO_ENV = \
	GOFLAGS=-mod=vendor \
	CGO_CFLAGS="$(TARGET_CFLAGS) -I$(@D)/vision/tflite/include" \
	CGO_LDFLAGS="$(TARGET_LDFLAGS) -Wl,--allow-shlib-undefined"
SMILETILL_LDFLAGS = -X main.version=$(shell cat $(SMILETILL_SITE)/VERSION)

# The root is read-only: systemd-sysusers can't make the users at boot.
define SMILETILL_USERS
	smiletill -1 smiletill -1 * /var/lib/smiletill - video,gpio,dialout,tss smiletill payment terminal
	technician -1 technician -1 * /var/lib/technician /bin/sh systemd-journal sets the terminal up
endef

# all units, as the Debian package: a card's own scripts enable some
define SMILETILL_INSTALL_INIT_SYSTEMD
	for unit in $(@D)/systemd/*.service; do \
		$(INSTALL) -D -m 0644 $$unit \
			$(TARGET_DIR)/usr/lib/systemd/system/$${unit##*/} || exit 1; \
	done
	$(INSTALL) -D -m 0644 $(@D)/systemd/smiletill.tmpfiles \
		$(TARGET_DIR)/usr/lib/tmpfiles.d/smiletill.conf
	$(INSTALL) -D -m 0644 $(@D)/systemd/60-smiletill.rules \
		$(TARGET_DIR)/usr/lib/udev/rules.d/60-smiletill.rules
endef

define SMILETILL_INSTALL_CONFIG
	$(INSTALL) -D -m 0644 $(@D)/cmd/smiletill/config/smiletill.toml \
		$(TARGET_DIR)/usr/share/smiletill/smiletill.toml
endef
SMILETILL_POST_INSTALL_TARGET_HOOKS += SMILETILL_INSTALL_CONFIG

$(eval $(golang-package))
