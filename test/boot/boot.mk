# A real boot: the package installed, run, upgraded and removed under systemd, on a Debian of its
# own (test/boot/README.md). boot-tree only makes that Debian, which takes a minute once.

.PHONY: boot-tree check-boot
boot-tree:
	@test/boot/boot.sh tree

check-boot:
	+@test/boot/boot.sh check $(B) $(VERSION)
