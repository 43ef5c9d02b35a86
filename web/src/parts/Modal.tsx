import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";

interface ModalProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly close: () => void;
  readonly children: ReactNode;
}

/** A dialog over the page; the one place that knows which library makes it. */
export const Modal = ({ title, isOpen, close, children }: ModalProps) => (
  <Dialog.Root open={isOpen} onOpenChange={(open) => !open && close()}>
    <Dialog.Portal>
      <Dialog.Backdrop className="modal-ground" />
      <Dialog.Popup className="modal">
        <header>
          <Dialog.Title>{title}</Dialog.Title>
          <Dialog.Close className="btn icon" aria-label="Close">
            <X className="i" aria-hidden="true" />
          </Dialog.Close>
        </header>
        {children}
      </Dialog.Popup>
    </Dialog.Portal>
  </Dialog.Root>
);
