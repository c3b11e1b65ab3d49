################################################################################
#
# libtensorflowlite-c
#
################################################################################

LIBTENSORFLOWLITE_C_VERSION = 2.19.0
LIBTENSORFLOWLITE_C_SITE = $(call qstrip,$(BR2_PACKAGE_SMILETILL_SOURCES))/tflite
LIBTENSORFLOWLITE_C_SITE_METHOD = local
LIBTENSORFLOWLITE_C_LICENSE = Apache-2.0
LIBTENSORFLOWLITE_C_LICENSE_FILES = LICENSE
LIBTENSORFLOWLITE_C_INSTALL_STAGING = YES

define LIBTENSORFLOWLITE_C_INSTALL_STAGING_CMDS
	$(INSTALL) -D -m 0755 $(@D)/libtensorflowlite_c.so \
		$(STAGING_DIR)/usr/lib/libtensorflowlite_c.so
	mkdir -p $(STAGING_DIR)/usr/include
	cp -a $(@D)/include/tensorflow $(STAGING_DIR)/usr/include/
endef

define LIBTENSORFLOWLITE_C_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/libtensorflowlite_c.so \
		$(TARGET_DIR)/usr/lib/libtensorflowlite_c.so
endef

$(eval $(generic-package))
