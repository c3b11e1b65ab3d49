include $(sort $(wildcard $(BR2_EXTERNAL_SMILETILL_PATH)/package/*/*.mk))
