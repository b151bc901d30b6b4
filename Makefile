.PHONY: demo test check bench lab down clean setup pins

demo:   ; @lab/bootstrap demo $(if $(KEEP),--keep) $(if $(SOURCE),--source)
test:   ; @$(if $(PYTHON),OPENELB_PYTHON=$(PYTHON)) $(if $(KUBERNETES),OPENELB_KUBERNETES=$(KUBERNETES)) lab/bootstrap test $(ARGS)
check:  ; @lab/bootstrap check
bench:  ; @lab/bootstrap bench $(ARGS)
lab:    ; @lab/bootstrap lab
down:   ; @lab/bootstrap down
setup:  ; @lab/bootstrap setup
clean:  ; @lab/bootstrap clean
pins:   ; @lab/bootstrap pins
